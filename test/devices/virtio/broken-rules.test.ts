// SPDX-License-Identifier: BSD-2-Clause
/** What a driver does wrong needs a reset, and nothing is believed until then. */
import { type EchoDriver, echoDriver, exchange } from '../../support/echo-driver.js';
import { ACKNOWLEDGE, DRIVER, NEEDS_RESET, VERSION_1 } from '../../support/virtio-driver.js';

const faults: readonly (readonly [string, (driver: EchoDriver) => void])[] = [
  ['an available index too far ahead', ({ rig, rings: [ring] }) => rig.memory.writeU16((ring?.driver ?? 0) + 2, 9)],
  [
    'a head that is no descriptor',
    ({ rig, rings: [ring] }) => {
      rig.memory.writeU16((ring?.driver ?? 0) + 4, 8);
      rig.memory.writeU16((ring?.driver ?? 0) + 2, 1);
    },
  ],
  ['a buffer outside memory', (driver) => void driver.ring().add([], [{ address: 0xfee00000, length: 1 }])],
  ['a buffer that ends outside memory', (driver) => void driver.ring().add([], [{ address: 0x7fff0, length: 0x20 }])],
  ['a buffer that wraps', (driver) => void driver.ring().add([], [{ address: 2 ** 51, length: 0xffffffff }])],
  [
    'an indirect table that was not negotiated',
    (driver) => void driver.ring().add([{ address: 0, length: 1 }], [], 0x300),
  ],
];

test.each(faults)('%s needs a reset, and says so', (_, spoil) => {
  const { rig, driver, device } = echoDriver();
  driver.start();
  spoil(driver);
  driver.kick();
  expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  expect(rig.messages()).toEqual([0]);
  expect(driver.isr()).toBe(2);
  driver.kick();
  expect(device.model.texts).toEqual([]);
  expect(rig.messages()).toEqual([]);
  driver.status = 0;
  driver.rings.length = 0;
  driver.start();
  exchange(driver);
  expect(device.model.texts).toHaveLength(1);
});

test('a ring that is repaired stays as it is until the reset', () => {
  const { rig, driver, device } = echoDriver();
  driver.start();
  rig.memory.writeU16(driver.ring().driver + 2, 9);
  driver.kick();
  rig.memory.writeU16(driver.ring().driver + 2, 0);
  exchange(driver);
  expect(device.model.texts).toEqual([]);
});

test.each([
  ['outside memory', 0x20, 0xc0000000],
  ['not aligned', 0x20, 0x10008],
  ['not aligned', 0x28, 0x10001],
  ['not aligned', 0x30, 0x10002],
  ['at the end of memory', 0x30, 0x7fffc],
  ['beyond all addresses', 0x24, 0xffffffff],
])('a ring %s', (_, register, value) => {
  const { driver } = echoDriver();
  driver.status = ACKNOWLEDGE | DRIVER;
  driver.negotiate(VERSION_1);
  driver.common(0x20, 4, 0x10000);
  driver.common(0x28, 4, 0x11000);
  driver.common(0x30, 4, 0x12000);
  driver.common(register, 4, value);
  driver.common(0x1c, 2, 1);
  expect(driver.commonRead(0x1c, 2)).toBe(0);
  expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
});
