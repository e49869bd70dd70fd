// SPDX-License-Identifier: BSD-2-Clause
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { HostError } from './host-error.js';

const OWNER_ONLY = 0o177;

/** Only the owner may connect. The bind happens inside `listen`, so the socket never exists with wider permissions. */
export function listenPrivately(server: Server, path: string): void {
  const previous = process.umask(OWNER_ONLY);
  try {
    server.listen(path);
  } finally {
    process.umask(previous);
  }
}

/** Removes a socket that a dead process left behind; anything else of that name is refused. */
export async function removeDeadSocket(place: string, path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new HostError(place, 'there is something else with that name, not a socket');
  if (await hasListener(path)) throw new HostError(place, 'another process listens on that socket');
  unlinkSync(path);
}

function hasListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
