// SPDX-License-Identifier: BSD-2-Clause
/**
 * POST code ports 0x80 and 0x84: firmware writes its progress there, and a board with lamps shows it.
 * Reference: AT-TRM = IBM PC AT Technical Reference, "Manufacturing test port"; 0x84 is its EISA and Compaq sibling.
 */
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';

const fields = { code: u8({ doc: 'the last code written' }) };
const shape = new StateShape('post-port', 1, fields);

export class PostPort extends Device<typeof fields> {
  constructor(id: string) {
    super(id, shape);
  }

  get lastCode(): number {
    return this.state.code;
  }

  ports(): PortHandler {
    return bytePorts(
      () => this.state.code,
      (_, value) => {
        this.state.code = value;
      },
    );
  }

  protected restored(): void {}

  protected wasReset(): void {}
}
