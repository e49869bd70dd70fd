// SPDX-License-Identifier: BSD-2-Clause
import { ResetControl } from '../../../devices/isa/reset-control.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';

const PORT = 0xcf9;

function make() {
  const resets: string[] = [];
  const device = new ResetControl('reset', (kind) => void resets.push(kind));
  return { resets, device, guest: new GuestDriver().attach('reset', PORT, 1, device.ports()) };
}

test('the reset starts when bit 2 rises; bit 1 makes it hard', () => {
  const { guest, resets } = make();
  guest.out(PORT, 0x02);
  expect(resets).toEqual([]);
  guest.out(PORT, 0x06);
  guest.out(PORT, 0x06);
  expect(resets).toEqual(['hard']);
  guest.out(PORT, 0x00);
  guest.out(PORT, 0x04);
  expect(resets).toEqual(['hard', 'soft']);
});

test('only bits 1 and 2 are kept', () => {
  const { guest } = make();
  guest.out(PORT, 0xff);
  expect(guest.in(PORT)).toBe(0x06);
});

deviceContract('reset-control', (rig) => new ResetControl('reset', (kind) => void rig.effects.push(kind)), {
  operate: (device) => device.ports().write(0, 1, 0x02),
});
