// SPDX-License-Identifier: BSD-2-Clause
import { DebugExit } from '../../../devices/isa/debug-exit.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';

test.each([
  [1, 0x00, 0x01],
  [1, 0x10, 0x21],
  [4, 0x7fffffff, 0xffffffff],
] as const)('a write of width %p and value %p gives status %p', (width, value, status) => {
  const exits: number[] = [];
  const guest = new GuestDriver().attach('exit', 0xf4, 4, new DebugExit('exit', (code) => void exits.push(code)));
  expect(guest.in(0xf4)).toBe(0);
  expect(exits).toEqual([]);
  guest.out(0xf4, value, width);
  expect(exits).toEqual([status]);
});

deviceContract('debug-exit', (rig) => new DebugExit('exit', (code) => void rig.effects.push(`exit ${code}`)));
