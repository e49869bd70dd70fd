// SPDX-License-Identifier: BSD-2-Clause
import { applyPlan, checkWrites } from '../../src/boot/boot-plan.js';
import { ramLayout } from '../../src/boot/memory-map.js';
import { GuestMemory } from '../../src/core/guest-memory.js';

const ram = ramLayout(0x200000);
const item = (address: number, length: number, what = 'item') => ({
  what,
  address,
  bytes: new Uint8Array(length).fill(7),
});

test('applying a plan writes the bytes and zeroes the rest, also over what an earlier boot left', () => {
  const memory = new GuestMemory([{ base: 0, bytes: new Uint8Array(64).fill(0xff) }]);
  applyPlan(memory, { writes: [{ ...item(8, 4), size: 8 }] });
  expect([...memory.read(6, 12)]).toEqual([0xff, 0xff, 7, 7, 7, 7, 0, 0, 0, 0, 0xff, 0xff]);
});

test('items outside RAM and over each other are refused', () => {
  expect(() => checkWrites('k', [item(0x1ff000, 0x1000)], ram)).not.toThrow();
  expect(() => checkWrites('k', [item(0x1ff000, 0x1001)], ram)).toThrow(
    'k: item at 0x1ff000..0x200001 does not fit in guest RAM (0..0x200000); give the guest more',
  );
  expect(() => checkWrites('k', [item(0x2000, 1, 'b'), item(0x1000, 0x1001, 'a')], ram)).toThrow(
    'k: a at 0x1000..0x2001 overlaps b at 0x2000..0x2001',
  );
  expect(() => checkWrites('k', [{ ...item(0x1000, 1, 'a'), size: 0x1001 }, item(0x2000, 1, 'b')], ram)).toThrow(
    /overlaps/,
  );
});

test('an empty item overlaps nothing', () => {
  expect(() => checkWrites('k', [item(0x1000, 0), item(0x1000, 16)], ram)).not.toThrow();
});
