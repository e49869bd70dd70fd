// SPDX-License-Identifier: BSD-2-Clause
import { Gpe } from '../../../devices/acpi/gpe.js';
import { Pm1 } from '../../../devices/acpi/pm1.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const STS = 0x400;
const EN = 0x402;
const CNT = 0x404;
const SMI_CMD = 0xb2;
const PWRBTN = 0x0100;

function setup() {
  const rig = new Rig();
  let powerOffs = 0;
  const pm1 = new Pm1('pm1', rig.line(), () => {
    powerOffs++;
  });
  const gpe = new Gpe('gpe', pm1.gpeInput);
  const driver = new GuestDriver()
    .attach('pm1-event', STS, 4, pm1.event)
    .attach('pm1-control', CNT, 2, pm1.control)
    .attach('smi-command', SMI_CMD, 1, pm1.smiCommand)
    .attach('gpe', 0x40c, 2, gpe);
  return { rig, pm1, gpe, driver, sci: () => rig.lines[0]?.level, powerOffs: () => powerOffs };
}

deviceContract('PM1', (rig) => new Pm1('pm1', rig.line(), () => rig.effects.push('power off')), {
  operate: (pm1) => {
    pm1.smiCommand.write(0, 1, 0xa0);
    pm1.event.write(2, 2, PWRBTN);
    pm1.pressPowerButton();
    pm1.control.write(0, 2, 5 << 10);
  },
});

test('SMI_CMD hands the machine to ACPI and back; the guest cannot change SCI_EN itself', () => {
  const { driver } = setup();
  driver.out(CNT, 0x0001, 2);
  expect(driver.in(CNT, 2)).toBe(0);
  driver.out(SMI_CMD, 0xa0);
  driver.out(CNT, 0x0000, 2);
  expect(driver.in(CNT, 2)).toBe(1);
  driver.out(SMI_CMD, 0x55);
  expect(driver.in(CNT, 2)).toBe(1);
  driver.out(SMI_CMD, 0xa1);
  expect(driver.in(CNT, 2)).toBe(0);
  expect(driver.in(SMI_CMD)).toBe(0xff);
});

test('the power button raises the SCI until its status is written as one', () => {
  const { driver, pm1, sci } = setup();
  expect(pm1.pressPowerButton()).toBe(false);
  expect([driver.in(STS, 2), sci()]).toEqual([PWRBTN, false]);
  driver.out(EN, PWRBTN, 2);
  expect([pm1.pressPowerButton(), sci()]).toEqual([false, false]);
  driver.out(SMI_CMD, 0xa0);
  expect(sci()).toBe(true);
  expect(pm1.pressPowerButton()).toBe(true);
  driver.out(STS, PWRBTN, 2);
  expect([driver.in(STS, 2), sci()]).toEqual([0, false]);
});

test('a byte write to the status clears nothing beside it', () => {
  const { driver, pm1 } = setup();
  pm1.pressPowerButton();
  driver.out(STS, 0xff);
  expect(driver.in(STS, 2)).toBe(PWRBTN);
  driver.out(STS + 1, 0x01);
  expect(driver.in(STS, 2)).toBe(0);
});

test('status and enable are one block of four bytes', () => {
  const { driver, pm1 } = setup();
  pm1.pressPowerButton();
  driver.out(STS, 0xffff0000, 4);
  expect(driver.in(STS, 4)).toBe(0x07210100);
});

test('SLP_TYP 5 with SLP_EN turns the machine off; other sleep states do nothing', () => {
  const { driver, powerOffs } = setup();
  driver.out(CNT, 5 << 10, 2);
  driver.out(CNT, 0x2000 | (3 << 10), 2);
  expect(powerOffs()).toBe(0);
  driver.out(CNT, 0x2000 | (5 << 10), 2);
  expect(powerOffs()).toBe(1);
  expect(driver.in(CNT, 2)).toBe(5 << 10);
});

test('SLP_EN may come in a byte of its own', () => {
  const { driver, powerOffs } = setup();
  driver.out(CNT + 1, 0x34);
  expect(powerOffs()).toBe(1);
});

test('general-purpose events share the SCI and need SCI_EN too', () => {
  const { driver, gpe, sci } = setup();
  driver.out(0x40d, 0x01);
  gpe.raise(0);
  expect(sci()).toBe(false);
  driver.out(SMI_CMD, 0xa0);
  expect(sci()).toBe(true);
  driver.out(0x40c, 0x01);
  expect(sci()).toBe(false);
});

test('after a restore ACPI is still on, and the level is adopted', () => {
  const { driver, pm1, gpe } = setup();
  driver.out(SMI_CMD, 0xa0);
  driver.out(0x40d, 0x01);
  gpe.raise(0);
  const copy = setup();
  copy.gpe.deserialize(gpe.serialize());
  copy.pm1.deserialize(pm1.serialize());
  expect(copy.sci()).toBe(true);
  expect(copy.rig.setCalls).toBe(0);
  expect(copy.driver.in(CNT, 2)).toBe(1);
});

test('the machine’s reset of both blocks drops the SCI', () => {
  const { driver, pm1, gpe, sci } = setup();
  driver.out(SMI_CMD, 0xa0);
  driver.out(0x40d, 0x01);
  gpe.raise(0);
  pm1.reset();
  gpe.reset();
  expect([sci(), driver.in(CNT, 2), driver.in(0x40c, 2)]).toEqual([false, 0, 0]);
});
