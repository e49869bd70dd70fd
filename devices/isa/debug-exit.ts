// SPDX-License-Identifier: BSD-2-Clause
/**
 * isa-debug-exit at ports 0xF4-0xF7: a write ends the machine, and the value tells the host how a test went.
 * Interface as in QEMU and in bhyve's pc-testdev: the exit status is (value << 1) | 1, so that it is never 0.
 */
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { StateShape } from '../../src/core/state-shape.js';

const fields = {};
const shape = new StateShape('debug-exit', 1, fields);

export class DebugExit extends Device<typeof fields> implements PortHandler {
  constructor(
    id: string,
    private readonly onExit: (status: number) => void,
  ) {
    super(id, shape);
  }

  read(): number {
    return 0;
  }

  write(_offset: number, _width: 1 | 2 | 4, value: number): void {
    this.onExit(((value << 1) | 1) >>> 0);
  }

  protected restored(): void {}

  protected wasReset(): void {}
}
