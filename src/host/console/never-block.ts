// SPDX-License-Identifier: BSD-2-Clause
/** What Node has for a terminal, or a part of it; nothing of this is documented. */
interface Blocking {
  readonly _handle?: { setBlocking?(blocks: boolean): void } | null;
}

/**
 * Node waits for terminals with every write (https://nodejs.org/api/process.html#a-note-on-process-io): one that is not read,
 * as over a connection that hangs, would stop this thread, and with it every way to reach the VM.
 */
export function neverBlock(stream: NodeJS.WriteStream): void {
  const { _handle } = stream as NodeJS.WriteStream & Blocking;
  if (stream.isTTY) _handle?.setBlocking?.(false);
}
