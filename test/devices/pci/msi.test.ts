// SPDX-License-Identifier: BSD-2-Clause
import { ConfigLayout, headerType0 } from '../../../devices/pci/config-layout.js';
import { writeConfig } from '../../../devices/pci/config-space.js';
import { Msi, msiCapability, msiShape } from '../../../devices/pci/msi.js';
import { Rig } from '../../support/rig.js';

const CONTROL = 0x42;
const ADDRESS = 0x44;
const UPPER = 0x48;
const DATA = 0x4c;
const MASKS = 0x50;
const PENDING = 0x54;

function make(vectors: 1 | 4 = 4) {
  const rig = new Rig();
  const layout = new ConfigLayout(headerType0({ vendorId: 1, deviceId: 2, classCode: 0 }), [msiCapability(vectors)]);
  const config = layout.initial.slice();
  const parts = { state: msiShape.initial(), master: true };
  const msi = new Msi({
    state: () => parts.state,
    config: () => config,
    capability: 0x40,
    mayWrite: () => parts.master,
    sink: rig.msi,
    vectors,
  });
  const write = (offset: number, width: 1 | 2 | 4, value: number) => {
    writeConfig(layout, config, offset, width, value);
    msi.masksChanged();
  };
  write(ADDRESS, 4, 0xfee01000);
  write(DATA, 2, 0x4050);
  return { config, msi, parts, write, sent: () => rig.effects.splice(0) };
}

const message = (data: number): string => `msi ${0xfee01000} ${data}`;

test('the capability has 64-bit addresses, masks, and says how many vectors there are', () => {
  expect([...make().config.subarray(0x40, 0x44)]).toEqual([0x05, 0, 0x84, 0x01]);
});

test('granted vectors are the low bits of the data', () => {
  const { msi, write, sent } = make();
  write(CONTROL, 2, 0x0021);
  msi.trigger(3);
  expect(sent()).toEqual([message(0x4053)]);
});

test('with fewer vectors granted they are shared', () => {
  const { msi, write, sent } = make();
  write(CONTROL, 2, 0x0011);
  msi.trigger(3);
  write(CONTROL, 2, 0x0001);
  msi.trigger(3);
  expect(sent()).toEqual([message(0x4051), message(0x4050)]);
});

test('nothing is sent or remembered while it is off', () => {
  const { msi, write, sent } = make();
  msi.trigger(0);
  write(CONTROL, 2, 0x0001);
  expect(sent()).toEqual([]);
});

test('a masked vector is pending, shows so, and leaves when unmasked', () => {
  const { msi, write, sent } = make();
  write(CONTROL, 2, 0x0021);
  write(MASKS, 4, 0xff);
  msi.trigger(2);
  expect(sent()).toEqual([]);
  expect(msi.overlay(PENDING, 4, 0)).toBe(4);
  expect(msi.overlay(PENDING - 2, 4, 0x1234)).toBe(0x00041234);
  expect(msi.overlay(PENDING + 1, 1, 0)).toBe(0);
  write(MASKS, 4, 0);
  expect(sent()).toEqual([message(0x4052)]);
  expect(msi.overlay(PENDING, 4, 0)).toBe(0);
});

test('without bus mastering messages wait, and so do they over a restore', () => {
  const { msi, parts, write, sent } = make(1);
  write(CONTROL, 2, 0x0001);
  parts.master = false;
  msi.trigger(0);
  parts.state = msiShape.load(msiShape.save(parts.state));
  parts.master = true;
  expect(sent()).toEqual([]);
  msi.masksChanged();
  expect(sent()).toEqual([message(0x4050)]);
});

test('a message to beyond 4 GiB is no interrupt', () => {
  const { msi, write, sent } = make(1);
  write(UPPER, 4, 1);
  write(CONTROL, 2, 0x0001);
  msi.trigger(0);
  expect(sent()).toEqual([]);
});
