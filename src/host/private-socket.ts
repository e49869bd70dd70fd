// SPDX-License-Identifier: BSD-2-Clause
import type { Server } from 'node:net';

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
