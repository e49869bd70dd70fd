// SPDX-License-Identifier: BSD-2-Clause

/** Where message-signalled interrupts go: a 32-bit write of `data` to `address`. */
export interface MsiSink {
  send(address: number, data: number): void;
}

const MESSAGE_BASE = 0xfee00000;
const MESSAGE_MASK = 0xfff00000;

/**
 * Guests choose the addresses. Those outside the megabyte of interrupt messages (SDM vol. 3, 10.11.1) are writes that
 * nobody is interested in, and engines take them for messages or fail.
 */
export function onlyMessages(sink: MsiSink): MsiSink {
  return {
    send(address, data) {
      if ((address & MESSAGE_MASK) >>> 0 === MESSAGE_BASE) sink.send(address, data);
    },
  };
}
