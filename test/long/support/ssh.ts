// SPDX-License-Identifier: BSD-2-Clause
/** ssh into a Debian whose port 22 is forwarded from one of the host's. */
import { type AddressInfo, createServer } from 'node:net';
import type { DebianImage } from '../../../scripts/debian-image/image.js';

/** One that nobody has at the moment. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo; // it listens on TCP
      server.close(() => resolve(port));
    });
  });
}

export function sshWords({ loginKey, knownHosts }: DebianImage, port: number, command: string): string[] {
  const options = { UserKnownHostsFile: knownHosts, StrictHostKeyChecking: 'yes', BatchMode: 'yes', LogLevel: 'ERROR' };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-F', 'none', '-i', loginKey, ...words, '-p', String(port), 'root@127.0.0.1', command];
}
