// SPDX-License-Identifier: BSD-2-Clause

/** Where message-signalled interrupts go: a 32-bit write of `data` to `address`. */
export interface MsiSink {
  send(address: number, data: number): void;
}
