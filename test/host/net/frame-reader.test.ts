// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { FrameReader, framed } from '../../../src/host/net/frame-reader.js';

test('a length of 32 bits, the highest first, stands before a frame', () => {
  expect([...framed(new Uint8Array(300)).subarray(0, 5)]).toEqual([0, 0, 1, 44, 0]);
});

test('frames come out as they went in, however the stream is cut', () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 });
  fc.assert(
    fc.property(frames, fc.array(fc.nat({ max: 30 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(framed));
      const reader = new FrameReader(50);
      const received: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const end = at + 1 + (cuts[turn % cuts.length] ?? 0);
        received.push(...reader.push(stream.subarray(at, end)));
        at = end;
      }
      expect(received.map((frame) => [...frame])).toEqual(sent.map((frame) => [...frame]));
    }),
    { seed: 5 },
  );
});

test('a frame is a copy: the stream may reuse its memory', () => {
  const stream = Buffer.from([0, 0, 0, 1, 5]);
  const [frame] = new FrameReader(50).push(stream);
  stream.fill(0);
  expect([...(frame ?? [])]).toEqual([5]);
});

test('a length that no frame has is refused', () => {
  expect(() => new FrameReader(50).push(Uint8Array.of(0, 0, 0, 51))).toThrow(
    'a frame of 51 bytes: expected at most 50',
  );
});
