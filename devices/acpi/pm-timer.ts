// SPDX-License-Identifier: BSD-2-Clause
/**
 * ACPI power management timer at port 0x408: a free-running 32-bit counter of 3.579545 MHz.
 * Reference: ACPI = ACPI specification 6.5, section 4.8.3.3.
 * It has no state of its own: it counts VM time, so it runs on after a restore.
 * Not modelled: TMR_STS when the top bit changes. Only 4-byte reads work.
 */
import type { Width } from '../../src/core/bits.js';
import type { Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { StateShape } from '../../src/core/state-shape.js';
import { TickRate } from '../tick-rate.js';

const PM_TIMER_RATE = new TickRate(3_579_545n);

export const shape = new StateShape('pm-timer', 1, {});

export class PmTimer extends Device<typeof shape.fields> implements PortHandler {
  constructor(
    id: string,
    private readonly clock: Clock,
  ) {
    super(id, shape);
  }

  read(_offset: number, width: Width): number {
    if (width !== 4) return 0xffff_ffff;
    return Number(BigInt.asUintN(32, PM_TIMER_RATE.ticksAt(this.clock.now())));
  }

  /** The timer is read-only. */
  write(): void {}

  protected restored(): void {}

  protected wasReset(): void {}
}
