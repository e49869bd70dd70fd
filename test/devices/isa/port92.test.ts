// SPDX-License-Identifier: BSD-2-Clause
import { Port92 } from '../../../devices/isa/port92.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { RecordingIrq } from '../../support/recording-irq.js';

const PORT = 0x92;

function make() {
  const a20 = new RecordingIrq();
  let resets = 0;
  const device = new Port92('port92', { a20, onReset: () => resets++ });
  const guest = new GuestDriver().attach('port92', PORT, 1, device.ports());
  return { a20, guest, resets: () => resets };
}

test('A20 starts enabled and follows bit 1', () => {
  const { guest, a20 } = make();
  expect(guest.in(PORT)).toBe(0x02);
  guest.out(PORT, 0x00);
  guest.out(PORT, 0x02);
  expect(a20.sets).toEqual([false, true]);
});

test('a rising bit 0 resets, once', () => {
  const { guest, resets } = make();
  guest.out(PORT, 0x03);
  guest.out(PORT, 0x03);
  expect(resets()).toBe(1);
  guest.out(PORT, 0x02);
  guest.out(PORT, 0x03);
  expect(resets()).toBe(2);
});

deviceContract('port92', (rig) => new Port92('port92', { a20: rig.line(), onReset: () => rig.effects.push('reset') }), {
  operate: (device) => device.ports().write(0, 1, 0x00),
});
