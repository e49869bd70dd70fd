// SPDX-License-Identifier: BSD-2-Clause
/**
 * The chipset of a kernel (FreeBSD's vmm.ko): 8259 pair, I/O APIC, 8254, HPET, RTC and PM timer, which answer their ports and
 * addresses by themselves. Here are its interrupt inputs and its state, part by part in the kernel's own form.
 * Reference: FreeBSD <machine/vmm_snapshot.h>, enum snapshot_req.
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import { StateError } from '../../src/core/state-error.js';
import { blob, u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';

/** The kernel's side. */
export interface ChipsetOfKernel {
  setPicInput(irq: number, level: boolean): void;
  setIoapicInput(pin: number, level: boolean): void;
  setRtc(seconds: bigint): void;
  getRtc(): bigint;
  /** Why it cannot be saved as it is; empty when it can. */
  refusal(): string;
  version(): number;
  save(part: number): Uint8Array;
  load(part: number, bytes: Uint8Array): void;
}

const PART_MAX = 4096;
const SECOND = 1_000_000_000n;

const fields = {
  kernel: u32({ doc: 'whose form the parts have, as kern.osreldate; 0: version 1 did not say' }),
  hpet: blob({ max: PART_MAX }),
  ioapic: blob({ max: PART_MAX }),
  pit: blob({ max: PART_MAX }),
  pic: blob({ max: PART_MAX }),
  pmTimer: blob({ max: PART_MAX, doc: 'what the timer shows, as a little-endian u32' }),
  rtc: blob({ max: PART_MAX }),
};

/** Another kernel might take the bytes and understand them otherwise. */
function shapeOn(here: number): StateShape<typeof fields> {
  return new StateShape('kernel-chipset', 2, fields, {
    upgrades: { 1: (old) => ({ ...old, kernel: 0 }) }, // that of the vCPUs, which are checked and restored before
    check: ({ kernel }) => {
      if (kernel === 0 || kernel === here) return;
      throw new StateError('kernel', `saved by kernel ${kernel}, here it is ${here}`);
    },
  });
}

/** Numbers of enum snapshot_req, in the order in which bhyve restores them. */
const PARTS = { hpet: 5, ioapic: 1, pit: 8, pic: 7, pmTimer: 9, rtc: 10 } as const;
const NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[]; // the keys of the table above

export class KernelChipset extends Device<typeof fields> {
  constructor(
    id: string,
    private readonly kernel: ChipsetOfKernel,
  ) {
    super(id, shapeOn(kernel.version()));
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

  override saveRefusal(): string | null {
    return this.kernel.refusal() || null;
  }

  override serialize(): ReturnType<Device<typeof fields>['serialize']> {
    this.state.kernel = this.kernel.version();
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
