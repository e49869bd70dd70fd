// SPDX-License-Identifier: BSD-2-Clause
const LISTEN = '0A';

/** Shell words that wait until somebody in the guest listens at a TCP port. */
export function untilListening(port: number): string {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return `until grep -qs '${local} [0-9A-F:]* ${LISTEN}' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done`;
}
