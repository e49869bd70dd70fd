// SPDX-License-Identifier: BSD-2-Clause
import { ConfigLayout, headerType0 } from '../../../devices/pci/config-layout.js';
import { writeConfig } from '../../../devices/pci/config-space.js';
import { Msix, msixCapability, msixShape } from '../../../devices/pci/msix.js';
import { Rig } from '../../support/rig.js';

const VECTORS = 35;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const PBA = 0x800;
const shape = msixShape(VECTORS);

function make() {
  const rig = new Rig();
  const identity = { vendorId: 1, deviceId: 2, classCode: 0 };
  const layout = new ConfigLayout(headerType0(identity), [msixCapability(1, VECTORS)]);
  const config = layout.initial.slice();
  const parts = { state: shape.initial(), master: true };
  const msix = new Msix({
    state: () => parts.state,
    config: () => config,
    capability: 0x40,
    mayWrite: () => parts.master,
    sink: rig.msi,
    vectors: VECTORS,
  });
  const table = msix.table();
  const control = (bits: number) => {
    writeConfig(layout, config, 0x42, 2, bits);
    msix.masksChanged();
  };
  const mask = (vector: number, masked: number) => table.write(16 * vector + 12, 4, masked);
  for (let vector = 0; vector < VECTORS; vector += 1) {
    table.write(16 * vector, 4, 0xfee00003);
    table.write(16 * vector + 8, 4, 100 + vector);
  }
  const sent = () => rig.effects.splice(0);
  return { config, parts, msix, table, control, mask, sent };
}

const message = (vector: number): string => `msi ${0xfee00000} ${100 + vector}`;

test('the capability says where table and pending bits are', () => {
  const { config } = make();
  expect([...config.subarray(0x40, 0x4c)]).toEqual([0x11, 0, VECTORS - 1, 0, 1, 0, 0, 0, 1, 8, 0, 0]);
});

test('all vectors are masked at first, and the table reads back what was written', () => {
  const { table } = make();
  expect(table.read(16 * 34 + 12, 4)).toBe(1);
  expect(table.read(16 * 34 + 8, 2)).toBe(134);
  expect(table.read(16 * 34, 4)).toBe(0xfee00000);
});

test('a message leaves at once when nothing masks it', () => {
  const { msix, control, mask, sent } = make();
  control(ENABLE);
  mask(34, 0);
  msix.trigger(34);
  expect(sent()).toEqual([message(34)]);
});

test('a disabled function sends nothing and remembers nothing', () => {
  const { msix, control, mask, sent } = make();
  mask(0, 0);
  msix.trigger(0);
  control(ENABLE);
  expect(sent()).toEqual([]);
});

test('a vector that there is not is no message', () => {
  const { msix, control, sent } = make();
  control(ENABLE);
  msix.trigger(VECTORS);
  msix.trigger(0xffff);
  expect(sent()).toEqual([]);
});

test('what a vector mask holds back is pending, and leaves once when unmasked', () => {
  const { msix, table, control, mask, sent } = make();
  control(ENABLE);
  msix.trigger(33);
  msix.trigger(33);
  expect(sent()).toEqual([]);
  expect(table.read(PBA + 4, 4)).toBe(2);
  table.write(PBA + 4, 4, 0);
  expect(table.read(PBA + 4, 4)).toBe(2);
  mask(33, 0);
  expect(sent()).toEqual([message(33)]);
  expect(table.read(PBA + 4, 4)).toBe(0);
  mask(33, 1);
  mask(33, 0);
  expect(sent()).toEqual([]);
});

test('the function mask holds all vectors back', () => {
  const { msix, control, mask, sent } = make();
  control(ENABLE | FUNCTION_MASK);
  mask(1, 0);
  mask(2, 0);
  msix.trigger(2);
  msix.trigger(1);
  expect(sent()).toEqual([]);
  control(ENABLE);
  expect(sent()).toEqual([message(1), message(2)]);
});

test('without bus mastering messages wait', () => {
  const { msix, parts, control, mask, sent } = make();
  control(ENABLE);
  mask(0, 0);
  parts.master = false;
  msix.trigger(0);
  expect(sent()).toEqual([]);
  parts.master = true;
  control(ENABLE);
  expect(sent()).toEqual([message(0)]);
});

test('a message to beyond 4 GiB is no interrupt', () => {
  const { msix, table, control, mask, sent } = make();
  control(ENABLE);
  table.write(4, 4, 1);
  mask(0, 0);
  msix.trigger(0);
  expect(sent()).toEqual([]);
});

test('masked and pending vectors survive a restore, which sends nothing by itself', () => {
  const { msix, control, mask, sent, parts } = make();
  control(ENABLE);
  msix.trigger(7);
  parts.state = shape.load(shape.save(parts.state));
  expect(sent()).toEqual([]);
  mask(7, 0);
  expect(sent()).toEqual([message(7)]);
});

test('a table of another length is refused', () => {
  expect(() => msixShape(3).load(shape.save(shape.initial()))).toThrow('pci-msix.vectors: expected 3 of them, got 35');
  expect(() => msixShape(0)).toThrow('MSI-X: expected 1 to 128 vectors, got 0');
});
