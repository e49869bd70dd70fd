// SPDX-License-Identifier: BSD-2-Clause
import { EXIT_SLOT_LENGTH, ExitKind, ExitSlot } from '../../src/hypervisor/exit.js';
import { ExitHash } from '../../src/machine/exit-hash.js';

function slot(change: (slot: ExitSlot) => void = () => {}): ExitSlot {
  const made = new ExitSlot(new ArrayBuffer(EXIT_SLOT_LENGTH));
  Object.assign(made, {
    kind: ExitKind.PortWrite,
    width: 1,
    address: 0x3f8,
    data: 0x41,
    instructions: 1000n,
    rip: 0x1000n,
  });
  change(made);
  return made;
}

function digest(...slots: ExitSlot[]): string {
  const hash = new ExitHash();
  for (const each of slots) hash.add(each);
  return hash.digest();
}

test.each<[string, (slot: ExitSlot) => void]>([
  ['kind', (s) => Object.assign(s, { kind: ExitKind.PortRead })],
  ['width', (s) => Object.assign(s, { width: 2 })],
  ['address', (s) => Object.assign(s, { address: 0x2f8 })],
  ['high address', (s) => Object.assign(s, { address: 2 ** 40 + 0x3f8 })],
  ['data', (s) => Object.assign(s, { data: 0x42 })],
  ['high data', (s) => Object.assign(s, { data64: 0x1_0000_0041n })],
  ['instruction count', (s) => Object.assign(s, { instructions: 1001n })],
  ['RIP', (s) => Object.assign(s, { rip: 0x8000_0000_0000_1000n })],
])('another %s is another hash', (_name, change) => {
  expect(digest(slot(change))).not.toBe(digest(slot()));
});

test('time, deadline and what lies in the slot from an earlier access do not count', () => {
  const halted = (data: number, time: bigint) =>
    slot((s) => Object.assign(s, { kind: ExitKind.Hlt, data, time, deadline: time }));
  expect(digest(halted(1, 5n))).toBe(digest(halted(2, 6n)));
});

test('order counts, and a vCPU that is still halted does not', () => {
  const other = slot((s) => Object.assign(s, { data: 0x42 }));
  expect(digest(slot(), other)).not.toBe(digest(other, slot()));
  const halted = slot((s) => Object.assign(s, { kind: ExitKind.Hlt }));
  expect(digest(halted, halted, halted)).toBe(digest(halted));
});

test('a copy goes on alone', () => {
  const hash = new ExitHash();
  hash.add(slot());
  const copy = hash.copy();
  const before = hash.digest();
  copy.add(slot());
  expect(hash.digest()).toBe(before);
  hash.add(slot());
  expect(hash.digest()).toBe(copy.digest());
});
