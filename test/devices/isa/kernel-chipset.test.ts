// SPDX-License-Identifier: BSD-2-Clause
import { KernelChipset } from '../../../devices/isa/kernel-chipset.js';

class Kernel {
  readonly calls: string[] = [];
  readonly parts = new Map([5, 1, 8, 7, 9, 10].map((part) => [part, Uint8Array.of(part, part)]));
  clock = 1000n;
  why = '';
  release = 1_402_000;

  setPicInput = (irq: number, level: boolean): void => void this.calls.push(`pic ${irq} ${level}`);
  setIoapicInput = (pin: number, level: boolean): void => void this.calls.push(`ioapic ${pin} ${level}`);
  setRtc = (seconds: bigint): void => {
    this.clock = seconds;
  };
  getRtc = (): bigint => this.clock;
  refusal = (): string => this.why;
  version = (): number => this.release;
  save = (part: number): Uint8Array => this.parts.get(part) ?? new Uint8Array(0);
  load = (part: number, bytes: Uint8Array): void => void this.calls.push(`load ${part}: ${bytes.join(' ')}`);
}

let kernel = new Kernel();
let chipset = new KernelChipset('kernel-chipset', kernel);
beforeEach(() => {
  kernel = new Kernel();
  chipset = new KernelChipset('kernel-chipset', kernel);
});

test('the kernel hears of changes, not of levels', () => {
  const [pic, ioapic] = [chipset.picPin(4), chipset.ioapicPin(16)];
  pic.set(false);
  pic.set(true);
  pic.set(true);
  ioapic.set(true);
  pic.set(false);
  expect(kernel.calls).toEqual(['pic 4 true', 'ioapic 16 true', 'pic 4 false']);
});

test('a level that is restored is in its state already, and can fall', () => {
  const pin = chipset.ioapicPin(9);
  pin.adopt(true);
  expect(kernel.calls).toEqual([]);
  pin.set(true);
  pin.set(false);
  expect(kernel.calls).toEqual(['ioapic 9 false']);
});

test('every part goes out, and back in the order in which bhyve restores them', () => {
  const saved = chipset.serialize();
  expect(saved.fields.pmTimer).toEqual(Uint8Array.of(9, 9));
  chipset.deserialize(saved);
  expect(kernel.calls).toEqual([5, 1, 8, 7, 9, 10].map((part) => `load ${part}: ${part} ${part}`));
});

test('the parts are only for a kernel like the one that saved them', () => {
  const saved = chipset.serialize();
  kernel.release += 1;
  const other = new KernelChipset('kernel-chipset', kernel);
  expect(() => other.deserialize(saved)).toThrow('kernel-chipset.kernel: saved by kernel 1402000, here it is 1402001');
  expect(kernel.calls).toEqual([]);
});

test('version 1 did not say whose they are', () => {
  const { kernel: _, ...fields } = chipset.serialize().fields;
  chipset.deserialize({ kind: 'kernel-chipset', version: 1, fields });
  expect(kernel.calls).toHaveLength(6);
});

test('what the kernel cannot save refuses the save', () => {
  expect(chipset.saveRefusal()).toBeNull();
  kernel.why = 'the guest waits';
  expect(chipset.saveRefusal()).toBe('the guest waits');
});

test('the clock is moved on by whole seconds', () => {
  chipset.advance(2_999_999_999n);
  expect(kernel.clock).toBe(1002n);
});
