// SPDX-License-Identifier: BSD-2-Clause
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What a port of this host answers to a datagram; rejects if nobody is there. */
export async function askDatagram(port: number, text: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const answered = once(socket, 'message');
    socket.send(text);
    const [answer] = (await answered) as [Buffer];
    return answer.toString();
  } finally {
    socket.close();
  }
}

/** Has the guest answer one datagram at port 23 (17 in hexadecimal digits), backwards. */
export const ANSWER_BACKWARDS =
  '(socat -t 60 UDP4-RECVFROM:23 EXEC:rev &); until grep -q :0017 /proc/net/udp; do sleep 0.1; done';
