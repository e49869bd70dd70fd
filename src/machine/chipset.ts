// SPDX-License-Identifier: BSD-2-Clause
/** Interrupt controllers and timers: our own models, or a kernel's where the engine brings one. */
import { Hpet } from '../../devices/acpi/hpet.js';
import { PmTimer } from '../../devices/acpi/pm-timer.js';
import { memorySizeBytes } from '../../devices/isa/cmos-layout.js';
import { IoApic } from '../../devices/isa/ioapic.js';
import { KernelChipset } from '../../devices/isa/kernel-chipset.js';
import { Nmisc } from '../../devices/isa/nmisc.js';
import { Pic8259 } from '../../devices/isa/pic8259.js';
import { Pit8254 } from '../../devices/isa/pit8254.js';
import { RtcMc146818 } from '../../devices/isa/rtc-mc146818.js';
import { HPET_BASE, IOAPIC_BASE, type RamLayout } from '../boot/memory-map.js';
import type { Clock } from '../core/clock.js';
import { fanOut, type IrqLine } from '../core/irq-line.js';
import type { MsiSink } from '../core/msi.js';
import type { KernelChipset as EngineChipset } from '../hypervisor/hypervisor.js';
import type { BoardRow } from './board-row.js';
import { InterruptWiring } from './interrupt-wiring.js';

/** What the board and others need of it. */
export interface Chipset {
  readonly wiring: InterruptWiring;
  /** Null where it is a kernel's: nobody asks us then. */
  readonly pic: Pic8259 | null;
  readonly ioapic: IoApic | null;
  readonly rtc: { advance(nanoseconds: bigint): void };
  /** Saved before everything else of the board. */
  readonly timers: readonly BoardRow[];
  /** Saved last, because restored devices adopt their interrupt levels into them. */
  readonly controllers: readonly BoardRow[];
}

export interface ChipsetParts {
  readonly ram: RamLayout;
  readonly clock: Clock;
  readonly msi: MsiSink;
  /** INT of the 8259 pair. */
  readonly intr: IrqLine;
  /** Seconds since 1970. */
  readonly rtcBase: bigint;
}

const ISA_IRQ = { timer: 0, rtc: 8 } as const;

export function ownChipset({ ram, clock, msi, intr, rtcBase }: ChipsetParts): Chipset {
  const ioapic = new IoApic('ioapic', msi);
  const pic = new Pic8259('pic', fanOut(intr, ioapic.pin(0)));
  const wiring = new InterruptWiring(pic, ioapic);
  const pins = Array.from({ length: HPET_PINS }, (_, pin) => ioapic.pin(FIRST_HPET_PIN + pin));
  const hpet = new Hpet('hpet', clock, { pins, msi });
  const pit = new Pit8254('pit', clock, wiring.isa(ISA_IRQ.timer));
  const nmisc = new Nmisc('nmisc', clock, pit);
  const cmos = memorySizeBytes(ram.low, ram.high);
  const rtc = new RtcMc146818('rtc', clock, wiring.isa(ISA_IRQ.rtc), { powerOnTime: rtcBase, cmos });
  const pmTimer = new PmTimer('pm-timer', clock);
  const timers: BoardRow[] = [
    { device: hpet, mmio: [[HPET_BASE, 0x400, hpet]] },
    { device: rtc, ports: [[0x70, 2, rtc.ports]] },
    { device: pit, ports: [[0x40, 4, pit.ports]] },
    { device: nmisc, ports: [[0x61, 1, nmisc.port]] },
    { device: pmTimer, ports: [[0x408, 4, pmTimer]] },
  ];
  const controllers: BoardRow[] = [
    {
      device: pic,
      ports: [
        [0x20, 2, pic.master],
        [0xa0, 2, pic.slave],
        [0x4d0, 2, pic.elcr],
      ],
    },
    { device: ioapic, mmio: [[IOAPIC_BASE, 0x1000, ioapic]] },
  ];
  return { wiring, pic, ioapic, rtc, timers, controllers };
}

const FIRST_HPET_PIN = 24;
const HPET_PINS = 8;

/** It answers its ports and addresses itself. The state of a machine that is restored replaces clock and memory bytes. */
export function kernelChipset(kernel: EngineChipset, { ram, rtcBase }: ChipsetParts): Chipset {
  const chipset = new KernelChipset('kernel-chipset', kernel);
  kernel.setRtc(rtcBase);
  for (const { index, value } of memorySizeBytes(ram.low, ram.high)) kernel.writeCmos(index, value);
  const wiring = new InterruptWiring({ pin: (irq) => chipset.picPin(irq) }, { pin: (pin) => chipset.ioapicPin(pin) });
  return { wiring, pic: null, ioapic: null, rtc: chipset, timers: [], controllers: [{ device: chipset }] };
}
