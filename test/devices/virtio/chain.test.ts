// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { readSpans, readSpansInto, type Span, slice, viewSpans, writeSpans } from '../../../devices/virtio/chain.js';
import { MEMORY_END, newMemory, SECOND } from '../../support/virtio-rig.js';

/** Spans around the seam of two segments, some of no bytes. */
const someSpans = fc.array(
  fc.record({ address: fc.integer({ min: SECOND - 40, max: SECOND + 40 }), length: fc.nat(30) }),
  { maxLength: 6 },
);
const lengthOf = (spans: readonly Span[]): number => spans.reduce((sum, { length }) => sum + length, 0);
const numbered = (): ReturnType<typeof newMemory> => {
  const memory = newMemory();
  for (let at = SECOND - 50; at < SECOND + 80; at += 1) memory.writeU8(at, at & 0xff);
  return memory;
};

test('a part of some spans is read, viewed and written as its slice is', () => {
  fc.assert(
    fc.property(someSpans, fc.nat(60), fc.nat(60), (spans, offset, length) => {
      const memory = numbered();
      const spare = new Uint8Array(200);
      if (length > 0 && offset + length > lengthOf(spans)) {
        expect(() => readSpansInto(memory, spans, offset, new Uint8Array(length))).toThrow(RangeError);
        return;
      }
      const expected = readSpans(memory, slice(spans, offset, length));
      const into = new Uint8Array(length);
      readSpansInto(memory, spans, offset, into);
      expect(into).toEqual(expected);
      expect(Uint8Array.from(viewSpans(memory, spans, offset, length, spare))).toEqual(expected);
      const other = numbered();
      const bytes = Uint8Array.from({ length }, (_, index) => 0xff - index);
      expect(writeSpans(memory, spans, bytes, offset)).toBe(length);
      writeSpans(other, slice(spans, offset, length), bytes);
      expect(memory.read(SECOND - 50, 130)).toEqual(other.read(SECOND - 50, 130));
    }),
  );
});

test('as much is written as there is room for', () => {
  const memory = newMemory();
  const spans = [
    { address: 0, length: 4 },
    { address: 8, length: 2 },
  ];
  expect(writeSpans(memory, spans, Uint8Array.of(1, 2, 3, 4, 5), 3)).toBe(3);
  expect(memory.read(0, 12)).toEqual(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0, 2, 3, 0, 0));
  expect(writeSpans(memory, spans, Uint8Array.of(1), 6)).toBe(0);
});

test('what lies in one piece of memory is seen there, and else in the spare memory', () => {
  const memory = newMemory();
  const spare = new Uint8Array(8);
  const view = viewSpans(
    memory,
    [
      { address: 2, length: 0 },
      { address: 2, length: 6 },
    ],
    1,
    4,
    spare,
  );
  memory.write(2, Uint8Array.of(1, 2, 3, 4, 5, 6));
  expect(view).toEqual(Uint8Array.of(2, 3, 4, 5));
  const acrossSeam = viewSpans(memory, [{ address: SECOND - 1, length: 2 }], 0, 2, spare);
  const ofTwo = viewSpans(
    memory,
    [
      { address: 2, length: 2 },
      { address: MEMORY_END - 2, length: 2 },
    ],
    0,
    3,
    spare,
  );
  expect([acrossSeam.buffer, ofTwo.buffer]).toEqual([spare.buffer, spare.buffer]);
  expect(ofTwo).toEqual(Uint8Array.of(1, 2, 0));
});
