// SPDX-License-Identifier: BSD-2-Clause
/**
 * The chipset of a kernel (FreeBSD's vmm.ko): 8259 pair, I/O APIC, 8254, HPET, RTC and PM timer, which answer their ports and
 * addresses by themselves. Here are its interrupt inputs and its state, part by part in the kernel's own form.
 * Reference: FreeBSD <machine/vmm_snapshot.h>, enum snapshot_req.
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import { blob } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';

/** The kernel's side. */
export interface ChipsetOfKernel {
  setPicInput(irq: number, level: boolean): void;
  setIoapicInput(pin: number, level: boolean): void;
  setRtc(seconds: bigint): void;
  getRtc(): bigint;
  save(part: number): Uint8Array;
  load(part: number, bytes: Uint8Array): void;
}

const PART_MAX = 4096;
const SECOND = 1_000_000_000n;

export const shape = new StateShape('kernel-chipset', 1, {
  hpet: blob({ max: PART_MAX }),
  ioapic: blob({ max: PART_MAX }),
  pit: blob({ max: PART_MAX }),
  pic: blob({ max: PART_MAX }),
  pmTimer: blob({ max: PART_MAX, doc: 'what the timer shows, as a little-endian u32' }),
  rtc: blob({ max: PART_MAX }),
});

/** Numbers of enum snapshot_req, in the order in which bhyve restores them. */
const PARTS = { hpet: 5, ioapic: 1, pit: 8, pic: 7, pmTimer: 9, rtc: 10 } as const;
const NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[]; // the keys of the table above

export class KernelChipset extends Device<typeof shape.fields> {
  constructor(
    id: string,
    private readonly kernel: ChipsetOfKernel,
  ) {
    super(id, shape);
  }

  /** Input IRQ 0-15 of the 8259s. */
  picPin(irq: number): IrqLine {
    return changes((level) => this.kernel.setPicInput(irq, level));
  }

  /** Input 0-31 of the I/O APIC. */
  ioapicPin(pin: number): IrqLine {
    return changes((level) => this.kernel.setIoapicInput(pin, level));
  }

  /** Moves the real-time clock on, by whole seconds. */
  advance(nanoseconds: bigint): void {
    this.kernel.setRtc(this.kernel.getRtc() + nanoseconds / SECOND);
  }

  override serialize(): ReturnType<Device<typeof shape.fields>['serialize']> {
    for (const name of NAMES) this.state[name] = this.kernel.save(PARTS[name]);
    return super.serialize();
  }

  protected restored(): void {
    for (const name of NAMES) this.kernel.load(PARTS[name], this.state[name]);
  }

  /** The kernel's part of a reset is the engine's. */
  protected wasReset(): void {}
}

/** The kernel counts who holds a line, so it is told of changes only. A restored level is in its own state already. */
function changes(set: (level: boolean) => void): IrqLine {
  let now = false;
  return {
    set(level) {
      if (level !== now) set(level);
      now = level;
    },
    adopt(level) {
      now = level;
    },
  };
}
