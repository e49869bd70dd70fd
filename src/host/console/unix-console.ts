// SPDX-License-Identifier: BSD-2-Clause
/** `unix=PATH`: only the owner may connect. A socket that a dead process left behind is replaced. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { HostError, systemReason } from '../host-error.js';
import { listenPrivately } from '../private-socket.js';
import type { GuestLine } from './guest-line.js';
import { SocketConsole } from './socket-console.js';

export async function openUnixConsole(path: string, line: GuestLine): Promise<SocketConsole> {
  const place = `unix=${path}`;
  if (path === '') throw new HostError(place, 'needs the path of the socket, for example unix=/tmp/vm.sock');
  await removeDeadSocket(place, path);
  try {
    return await SocketConsole.open(place, line, (server) => listenPrivately(server, path));
  } catch (cause) {
    throw new HostError(place, `cannot listen there: ${systemReason(cause)}`, { cause });
  }
}

async function removeDeadSocket(place: string, path: string): Promise<void> {
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
