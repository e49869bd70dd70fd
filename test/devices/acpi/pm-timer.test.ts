// SPDX-License-Identifier: BSD-2-Clause
import { PmTimer } from '../../../devices/acpi/pm-timer.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const PORT = 0x408;
const SECOND = 1_000_000_000n;

function setup(rig = new Rig()) {
  const timer = new PmTimer('pm-timer', rig.clock);
  return { rig, timer, driver: new GuestDriver().attach('pm-timer', PORT, 4, timer) };
}

deviceContract('PM timer', (rig) => new PmTimer('pm-timer', rig.clock));

test('counts 3.579545 MHz of VM time in 32 bits', () => {
  const { rig, driver } = setup();
  expect(driver.in(PORT, 4)).toBe(0);
  rig.clock.advance(SECOND);
  expect(driver.in(PORT, 4)).toBe(3_579_545);
  rig.clock.advance(1_199n * SECOND);
  expect(driver.in(PORT, 4)).toBe((3_579_545 * 1_200) % 2 ** 32);
});

test('is read-only, and only 4 bytes wide', () => {
  const { rig, driver } = setup();
  rig.clock.advance(SECOND);
  driver.out(PORT, 0, 4);
  expect(driver.in(PORT, 4)).toBe(3_579_545);
  expect([driver.in(PORT, 2), driver.in(PORT, 1)]).toEqual([0xffff, 0xff]);
});

test('runs on after a restore and after a reset', () => {
  const first = setup();
  first.rig.clock.advance(10n * SECOND);
  const second = setup(new Rig(first.rig.clock.now()));
  second.timer.deserialize(first.timer.serialize());
  expect(second.driver.in(PORT, 4)).toBe(35_795_450);
  second.timer.reset();
  expect(second.driver.in(PORT, 4)).toBe(35_795_450);
});
