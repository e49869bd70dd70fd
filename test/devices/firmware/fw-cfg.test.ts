// SPDX-License-Identifier: BSD-2-Clause
import { FwCfg, type FwCfgFile } from '../../../devices/firmware/fw-cfg.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';

const SELECTOR = 0x510;
const DATA = 0x511;

const FILES: readonly FwCfgFile[] = [
  { name: 'bootorder', data: Uint8Array.of(1, 2, 3) },
  { name: 'etc/acpi/tables', data: new Uint8Array(300).fill(7) },
];

function newFwCfg(files = FILES): FwCfg {
  return new FwCfg('fw-cfg', { cpus: 4, maxCpus: 0x102, files });
}

function make(device = newFwCfg()) {
  const guest = new GuestDriver().attach('fw-cfg', SELECTOR, 2, device.ports());
  const next = (count: number): number[] => Array.from({ length: count }, () => guest.in(DATA));
  const read = (key: number, count: number): number[] => {
    guest.out(SELECTOR, key, 2);
    return next(count);
  };
  return { device, guest, next, read };
}

function text(bytes: readonly number[]): string {
  return String.fromCharCode(...bytes);
}

test.each([
  ['signature', 0x00, [0x51, 0x45, 0x4d, 0x55]],
  ['id: the traditional interface only', 0x01, [1, 0, 0, 0]],
  ['CPUs', 0x05, [4, 0]],
  ['greatest number of CPUs', 0x0f, [2, 1]],
  ['the first file', 0x20, [1, 2, 3]],
  ['past the end of an item', 0x20, [1, 2, 3, 0, 0]],
  ['an item that does not exist', 0x22, [0, 0]],
  ['an architecture item, of which there are none', 0x8000, [0]],
  ['write mode reads the same item', 0x4020, [1, 2, 3]],
])('%s', (_, key, bytes) => {
  expect(make().read(key, bytes.length)).toEqual(bytes);
});

test('the directory lists sizes, keys and names', () => {
  const { read, next } = make();
  expect(read(0x19, 4)).toEqual([0, 0, 0, 2]);
  const entries = [next(64), next(64)].map((entry) => ({
    size: ((entry[2] ?? 0) << 8) | (entry[3] ?? 0),
    key: ((entry[4] ?? 0) << 8) | (entry[5] ?? 0),
    name: text(entry.slice(8)).replace(/\0+$/, ''),
  }));
  expect(entries).toEqual([
    { size: 3, key: 0x20, name: 'bootorder' },
    { size: 300, key: 0x21, name: 'etc/acpi/tables' },
  ]);
});

test('selecting starts at the first byte again; writes to data do nothing', () => {
  const { guest, read, next } = make();
  read(0x20, 2);
  guest.out(DATA, 0xee);
  expect(next(1)).toEqual([3]);
  expect(read(0x20, 1)).toEqual([1]);
});

test('only words select, and the selector cannot be read', () => {
  const { guest, read, next } = make();
  read(0x20, 1);
  guest.out(SELECTOR, 0x00);
  expect(next(1)).toEqual([2]);
  expect(guest.in(SELECTOR, 2)).toBe(0xffff);
});

test('a restored guest goes on reading where it was', () => {
  const { device, read } = make();
  read(0x20, 2);
  const after = make();
  after.device.deserialize(device.serialize());
  expect(after.next(1)).toEqual([3]);
});

test.each([
  ['', 'fw_cfg file "": 1 to 55 printable ASCII characters expected'],
  ['x'.repeat(56), '1 to 55 printable ASCII'],
  ['zürich', '1 to 55 printable ASCII'],
])('the name %p is refused', (name, message) => {
  expect(() => newFwCfg([{ name, data: new Uint8Array() }])).toThrow(message);
});

test('a name given twice is refused', () => {
  const file = { name: 'opt/a', data: new Uint8Array() };
  expect(() => newFwCfg([file, file])).toThrow('fw_cfg file "opt/a": given twice');
});

deviceContract('fw-cfg', () => newFwCfg(), {
  operate: (device) => {
    const { read } = make(device);
    read(0x21, 5);
  },
  notState: { items: 'configuration, the same for every start of this machine' },
});
