// SPDX-License-Identifier: BSD-2-Clause
import { PostPort } from '../../../devices/isa/post-port.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';

test('the last code can be read back, by guest and host', () => {
  const device = new PostPort('post');
  const guest = new GuestDriver().attach('post', 0x80, 1, device.ports());
  expect(guest.in(0x80)).toBe(0x00);
  guest.out(0x80, 0x55);
  guest.out(0x80, 0xaa);
  expect(guest.in(0x80)).toBe(0xaa);
  expect(device.lastCode).toBe(0xaa);
});

deviceContract('post-port', () => new PostPort('post'), { operate: (device) => device.ports().write(0, 1, 0x7f) });
