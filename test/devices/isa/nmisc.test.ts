// SPDX-License-Identifier: BSD-2-Clause
import { Nmisc } from '../../../devices/isa/nmisc.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { Rig } from '../../support/rig.js';

class FakeTimer {
  speakerOutput = false;
  readonly gates: boolean[] = [];

  setSpeakerGate(level: boolean): void {
    this.gates.push(level);
  }
}

function setup() {
  const rig = new Rig();
  const timer = new FakeTimer();
  const nmisc = new Nmisc('nmisc', rig.clock, timer);
  return { rig, timer, nmisc, driver: new GuestDriver().attach('nmisc', 0x61, 1, nmisc.port) };
}

deviceContract('NMISC', (rig) => new Nmisc('nmisc', rig.clock, new FakeTimer()), {
  operate: (nmisc) => nmisc.port.write(0, 1, 0x0f),
});

test('the low four bits are the guest’s; bit 0 is the gate of counter 2', () => {
  const { driver, timer } = setup();
  driver.out(0x61, 0xff);
  expect(driver.in(0x61)).toBe(0x0f);
  driver.out(0x61, 0x02);
  expect(driver.in(0x61)).toBe(0x02);
  expect(timer.gates).toEqual([true, false]);
});

test('bit 5 is OUT of counter 2', () => {
  const { driver, timer } = setup();
  timer.speakerOutput = true;
  expect(driver.in(0x61)).toBe(0x20);
});

test('bit 4 toggles with memory refresh, every 15 microseconds', () => {
  const { rig, driver } = setup();
  const toggles = [0n, 15_000n, 15_100n, 30_100n, 30_200n].map((time) => {
    rig.clock.advanceTo(time);
    return driver.in(0x61) & 0x10;
  });
  expect(toggles).toEqual([0, 0, 0x10, 0x10, 0]);
});

test('a reset closes the gate, a restore leaves it to the timer', () => {
  const { nmisc, timer, driver } = setup();
  driver.out(0x61, 0x01);
  timer.gates.length = 0;
  nmisc.deserialize(nmisc.serialize());
  expect(timer.gates).toEqual([]);
  nmisc.reset();
  expect(timer.gates).toEqual([false]);
});
