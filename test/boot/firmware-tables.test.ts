// SPDX-License-Identifier: BSD-2-Clause
import { checkWrites } from '../../src/boot/boot-plan.js';
import { firmwareTables } from '../../src/boot/firmware-tables.js';
import { ramLayout } from '../../src/boot/memory-map.js';

const ram = ramLayout(0x10000000);
const acpi = { cpus: 128, ram, lpcSlot: 31, moreBuses: [], serialPorts: [1, 2], hpet: true, ps2: true, fwCfg: true };
const smbios = {
  uuid: '00112233-4455-6677-8899-aabbccddeeff',
  ram,
  sockets: 4,
  coresPerSocket: 16,
  threadsPerCore: 2,
};

test('all tables of a large machine fit side by side in the F segment', () => {
  const writes = firmwareTables({ acpi, smbios, mpTableCpus: 128 });
  expect(() => checkWrites('tables', writes, ram)).not.toThrow();
  const starts = writes.map(({ address }) => address);
  expect(starts.slice(0, 3)).toEqual([0xf0000, 0xf1000, 0xf2400]);
});

test('each kind can be left out', () => {
  expect(firmwareTables({ acpi: null, smbios: null, mpTableCpus: null })).toEqual([]);
  expect(firmwareTables({ acpi: null, smbios, mpTableCpus: null }).map(({ what }) => what)).toEqual(['SMBIOS']);
});
