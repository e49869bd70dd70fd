// SPDX-License-Identifier: BSD-2-Clause
/** The line by which a program of the host says which port of the guest it wants: `CONNECT 1024`. */
import type { Socket } from 'node:net';

const LONGEST = 32;
const WORD = /^CONNECT (\d{1,10})\r?$/;
const LAST_PORT = 0xffff_fffe;

export interface ConnectWord {
  readonly port: number;
  /** What came behind the line. */
  readonly rest: Uint8Array;
}

/** Null if the client says something else, leaves, or says nothing for so long. The socket is paused afterwards. */
export function connectWord(socket: Socket, milliseconds: number): Promise<ConnectWord | null> {
  return new Promise((resolve) => {
    let read = Buffer.alloc(0);
    const settle = (word: ConnectWord | null): void => {
      clearTimeout(timer);
      socket.pause();
      socket.off('data', more);
      socket.off('close', gone);
      socket.off('end', gone);
      resolve(word);
    };
    const gone = (): void => settle(null);
    const more = (bytes: Buffer): void => {
      read = Buffer.concat([read, bytes]);
      const end = read.indexOf('\n');
      if (end >= 0) settle(parsed(read, end));
      else if (read.length > LONGEST) settle(null);
    };
    const timer = setTimeout(gone, milliseconds);
    timer.unref();
    socket.on('data', more);
    socket.once('close', gone);
    socket.once('end', gone);
  });
}

function parsed(read: Buffer, end: number): ConnectWord | null {
  const [, digits] = (end <= LONGEST && WORD.exec(read.toString('latin1', 0, end))) || [];
  const port = Number(digits);
  return port <= LAST_PORT ? { port, rest: read.subarray(end + 1) } : null;
}
