// SPDX-License-Identifier: BSD-2-Clause
import { connect } from 'node:net';

/** Calls again and again until somebody listens there, says all of `words` and gives what comes back. */
export async function answerOf(path: string, port: number, words: Uint8Array): Promise<string> {
  for (;;) {
    const answer = await new Promise<string>((resolve) => {
      let text = '';
      const socket = connect(path);
      socket.on('error', () => {});
      socket.once('close', () => resolve(text));
      socket.on('data', (bytes: Buffer) => {
        if (text === '') socket.end(words);
        text += String(bytes);
      });
      socket.write(`CONNECT ${port}\n`);
    });
    if (answer !== '') return answer;
  }
}
