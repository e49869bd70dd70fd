// SPDX-License-Identifier: BSD-2-Clause
/** `unix=PATH`: only the owner may connect. A socket that a dead process left behind is replaced. */
import { HostError, systemReason } from '../host-error.js';
import { listenPrivately, removeDeadSocket } from '../private-socket.js';
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
