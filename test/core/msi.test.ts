// SPDX-License-Identifier: BSD-2-Clause
import { onlyMessages } from '../../src/core/msi.js';

test('writes outside the megabyte of interrupt messages are dropped', () => {
  const sent: [number, number][] = [];
  const sink = onlyMessages({ send: (address, data) => sent.push([address, data]) });
  for (const address of [0, 0x1000, 0xfec00000, 0xfedffffc, 0xfef00000, 0xfffffffc, 0x7ee00000]) sink.send(address, 1);
  expect(sent).toEqual([]);
  sink.send(0xfee00000, 0x40);
  sink.send(0xfeeffffc, 0x41);
  expect(sent).toEqual([
    [0xfee00000, 0x40],
    [0xfeeffffc, 0x41],
  ]);
});
