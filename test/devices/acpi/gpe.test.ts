// SPDX-License-Identifier: BSD-2-Clause
import { GPE_VM_GENERATION, Gpe } from '../../../devices/acpi/gpe.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

const STS = 0x40c;
const EN = 0x40d;

function setup() {
  const rig = new Rig();
  const gpe = new Gpe('gpe', rig.line());
  return { gpe, driver: new GuestDriver().attach('gpe', STS, 2, gpe), sci: () => rig.lines[0]?.level };
}

deviceContract('GPE block', (rig) => new Gpe('gpe', rig.line()), {
  operate: (gpe) => {
    gpe.write(1, 1, 0x01);
    gpe.raise(GPE_VM_GENERATION);
  },
});

test('an event waits for its enable and holds the SCI until it is written as one', () => {
  const { gpe, driver, sci } = setup();
  gpe.raise(0);
  expect([driver.in(STS), sci()]).toEqual([0x01, false]);
  driver.out(EN, 0x01);
  expect(sci()).toBe(true);
  driver.out(STS, 0xfe);
  expect(sci()).toBe(true);
  driver.out(STS, 0x01);
  expect([driver.in(STS), sci()]).toEqual([0, false]);
});

test('both registers may be reached in one access', () => {
  const { gpe, driver } = setup();
  gpe.raise(1);
  driver.out(STS, 0xff02, 2);
  expect(driver.in(STS, 2)).toBe(0xff00);
});

test.each([-1, 8, 0.5])('there is no event %p', (event) => {
  expect(() => setup().gpe.raise(event)).toThrow(`gpe: event ${event}: expected 0 to 7`);
});
