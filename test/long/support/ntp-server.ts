// SPDX-License-Identifier: BSD-2-Clause
/** An NTP server (RFC 5905 §7.3) of stratum 1 on the loopback interface, whose time is the host's and a shift. */
import { createSocket, type Socket } from 'node:dgram';

const LENGTH = 48;
const [VERSION, CLIENT, SERVER] = [4, 3, 4];
/** RFC 5905: seconds from 1900 to 1970. */
const ERA = 2_208_988_800;
/** Power of two of the seconds that the clock is good for. */
const PRECISION = -10;

export class NtpServer {
  /** Seconds. */
  shift = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('message', (request, from) => {
      if (request.length < LENGTH || ((request[0] ?? 0) & 7) !== CLIENT) return;
      socket.send(this.answer(request), from.port, from.address);
    });
  }

  static start(): Promise<NtpServer> {
    const socket = createSocket('udp4');
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, '127.0.0.1', () => resolve(new NtpServer(socket)));
    });
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Seconds since 1970. */
  now(): number {
    return Date.now() / 1000 + this.shift;
  }

  close(): void {
    this.socket.close();
  }

  private answer(request: Buffer): Buffer {
    const answer = Buffer.alloc(LENGTH);
    answer[0] = (VERSION << 3) | SERVER;
    answer[1] = 1; // stratum
    answer[2] = request[2] ?? 0; // poll
    answer.writeInt8(PRECISION, 3);
    answer.writeUInt32BE(0x10, 8); // root dispersion
    answer.write('TEST', 12, 'latin1'); // reference id
    request.copy(answer, 24, 40, 48); // originate: the client's transmit timestamp
    for (const at of [16, 32, 40]) this.writeTime(answer, at); // reference, receive, transmit
    return answer;
  }

  private writeTime(packet: Buffer, at: number): void {
    const seconds = this.now() + ERA;
    packet.writeUInt32BE(Math.floor(seconds) >>> 0, at);
    packet.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32) >>> 0, at + 4);
  }
}
