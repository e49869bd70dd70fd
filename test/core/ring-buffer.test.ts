// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { RingBuffer } from '../../src/core/ring-buffer.js';

test('it behaves as a bounded list', () => {
  const step = fc.oneof(
    fc.nat(255).map((byte) => ({ push: byte })),
    fc.uint8Array({ maxLength: 9 }).map((write) => ({ write })),
    fc.nat(9).map((read) => ({ read })),
    fc.constant({ shift: true }),
    fc.constant({ clear: true }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const buffer = new RingBuffer(7);
      let model: number[] = [];
      for (const action of steps) {
        if ('push' in action) {
          expect(buffer.push(action.push)).toBe(model.length < 7);
          model = [...model, action.push].slice(0, 7);
        } else if ('write' in action) {
          expect(buffer.write(action.write)).toBe(Math.min(7 - model.length, action.write.length));
          model = [...model, ...action.write].slice(0, 7);
        } else if ('read' in action) {
          expect(Array.from(buffer.read(action.read))).toEqual(model.splice(0, action.read));
        } else if ('shift' in action) {
          expect(buffer.shift()).toBe(model.shift());
        } else {
          buffer.clear();
          model = [];
        }
        expect([buffer.length, buffer.space]).toEqual([model.length, 7 - model.length]);
      }
    }),
  );
});

test('a capacity that makes no sense is refused', () => {
  expect(() => new RingBuffer(0)).toThrow('ring buffer capacity: expected a whole number of 1 or more, got 0');
});
