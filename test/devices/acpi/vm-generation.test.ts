// SPDX-License-Identifier: BSD-2-Clause
import { VmGeneration } from '../../../devices/acpi/vm-generation.js';
import { GuestMemory } from '../../../src/core/guest-memory.js';
import { deviceContract } from '../../contract/device.contract.js';
import type { Rig } from '../../support/rig.js';

const ADDRESS = 0x28;
const FIRST = new Uint8Array(16).fill(1);
const SECOND = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index);

deviceContract(
  'VM generation id',
  ({ effects }: Rig) =>
    new VmGeneration('vm-generation', {
      memory: { write: (address) => effects.push(`write ${address}`) },
      address: ADDRESS,
      guid: FIRST,
      onRenewed: () => effects.push('renewed'),
    }),
  { operate: (device) => device.renew(SECOND) },
);

function setup() {
  const memory = new GuestMemory([{ base: 0, bytes: new Uint8Array(4096) }]);
  const seen: string[] = [];
  const inMemory = (): string => Buffer.from(memory.read(ADDRESS, 16)).toString('hex');
  const device = new VmGeneration('vm-generation', {
    memory,
    address: ADDRESS,
    guid: FIRST,
    onRenewed: () => seen.push(inMemory()),
  });
  return { device, memory, seen, inMemory };
}

test('nothing is in memory before it is published', () => {
  const { device, seen, inMemory } = setup();
  expect(inMemory()).toBe('00'.repeat(16));
  device.publish();
  expect(inMemory()).toBe('01'.repeat(16));
  expect(seen).toEqual([]);
});

test('a new id is in memory before the guest hears of it', () => {
  const { device, seen } = setup();
  device.publish();
  device.renew(SECOND);
  expect(seen).toEqual(['f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff']);
  expect(device.guid).toEqual(SECOND);
});

test('a reset keeps the id, whatever the guest wrote over it', () => {
  const { device, memory, inMemory } = setup();
  device.renew(SECOND);
  memory.fill(ADDRESS, 16, 0xee);
  device.reset();
  device.publish();
  expect(inMemory()).toBe('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff');
});

test('an id has 16 bytes', () => {
  expect(() => setup().device.renew(new Uint8Array(15))).toThrow('vm-generation: an id of 15 bytes: expected 16');
});
