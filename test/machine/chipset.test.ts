// SPDX-License-Identifier: BSD-2-Clause
import { ManualClock } from '../../src/core/clock.js';
import { nullLine } from '../../src/core/irq-line.js';
import { type ChipsetParts, kernelChipset, ownChipset } from '../../src/machine/chipset.js';

const MIB = 1024 * 1024;
const PARTS: ChipsetParts = {
  ram: { low: 64 * MIB, high: 0 },
  clock: new ManualClock(),
  msi: { send() {} },
  intr: nullLine,
  rtcBase: 1_700_000_000n,
};

test('of our own: timers first, controllers last', () => {
  const { timers, controllers } = ownChipset(PARTS);
  expect(timers.map(({ device }) => device.id)).toEqual(['hpet', 'rtc', 'pit', 'nmisc', 'pm-timer']);
  expect(controllers.map(({ device }) => device.id)).toEqual(['pic', 'ioapic']);
});

test("a kernel's has its clock and its memory bytes set, and takes interrupts at both controllers", () => {
  const calls: string[] = [];
  const cmos = new Map<number, number>();
  const { wiring, timers, controllers, pic, ioapic } = kernelChipset(
    {
      setPicInput: (irq, level) => void calls.push(`pic ${irq} ${level}`),
      setIoapicInput: (pin, level) => void calls.push(`ioapic ${pin} ${level}`),
      writeCmos: (index, value) => void cmos.set(index, value),
      setRtc: (seconds) => void calls.push(`rtc ${seconds}`),
      getRtc: () => 0n,
      refusal: () => '',
      version: () => 0,
      save: () => new Uint8Array(0),
      load: () => {},
    },
    PARTS,
  );
  expect([timers.length, controllers.length, pic, ioapic]).toEqual([0, 1, null, null]);
  expect((cmos.get(0x34) ?? 0) | ((cmos.get(0x35) ?? 0) << 8)).toBe((48 * MIB) / 0x10000);
  wiring.isa(4).set(true);
  wiring.isa(0).set(true);
  wiring.ioapicInput(20).set(true);
  expect(calls).toEqual([
    'rtc 1700000000',
    'pic 4 true',
    'ioapic 4 true',
    'pic 0 true',
    'ioapic 2 true',
    'ioapic 20 true',
  ]);
});
