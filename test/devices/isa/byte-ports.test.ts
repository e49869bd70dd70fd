// SPDX-License-Identifier: BSD-2-Clause
import { bytePorts } from '../../../devices/isa/byte-ports.js';

test('wide accesses become byte cycles, lowest port first', () => {
  const cycles: string[] = [];
  const ports = bytePorts(
    (offset) => {
      cycles.push(`in ${offset}`);
      return 0xf0 + offset;
    },
    (offset, value) => {
      cycles.push(`out ${offset} ${value}`);
    },
  );
  expect(ports.read(1, 2)).toBe(0xf2f1);
  expect(ports.read(0, 4)).toBe(0xf3f2f1f0);
  ports.write(2, 2, 0xbbaa);
  expect(cycles).toEqual(['in 1', 'in 2', 'in 0', 'in 1', 'in 2', 'in 3', 'out 2 170', 'out 3 187']);
});
