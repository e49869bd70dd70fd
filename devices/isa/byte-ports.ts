// SPDX-License-Identifier: BSD-2-Clause
import type { PortHandler } from '../../src/core/port-bus.js';

/** A handler for chips with an 8-bit data bus: a wider access becomes one cycle per byte, lowest port first. */
export function bytePorts(
  read: (offset: number) => number,
  write: (offset: number, value: number) => void,
): PortHandler {
  return {
    read(offset, width) {
      let value = 0;
      for (let byte = 0; byte < width; byte++) value += read(offset + byte) * 2 ** (8 * byte);
      return value;
    },
    write(offset, width, value) {
      for (let byte = 0; byte < width; byte++) write(offset + byte, (value >>> (8 * byte)) & 0xff);
    },
  };
}
