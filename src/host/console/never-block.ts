// SPDX-License-Identifier: BSD-2-Clause
/** What Node has for a terminal, or a part of it; its handle is not documented. */
interface Output {
  readonly isTTY?: boolean;
  readonly _handle?: { setBlocking?(blocks: boolean): void } | null;
}

/**
 * Node waits for terminals with every write (https://nodejs.org/api/process.html#a-note-on-process-io): one that is not read,
 * as over a connection that hangs, would stop this thread, and with it every way to reach the VM.
 */
export function neverBlock({ isTTY, _handle }: Output): void {
  if (isTTY === true) _handle?.setBlocking?.(false);
}
