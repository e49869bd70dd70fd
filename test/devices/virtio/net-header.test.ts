// SPDX-License-Identifier: BSD-2-Clause
import { COMPLETE, decodeHeader, encodeHeader, forGuest } from '../../../devices/virtio/net-header.js';

const header = { flags: 1, gsoType: 4, hdrLen: 0x0102, gsoSize: 0x0304, csumStart: 0x0506, csumOffset: 0x0708 };

test('a header has the bytes of the specification, the lowest first', () => {
  const bytes = new Uint8Array(12);
  encodeHeader(header, bytes, 0x090a);
  expect([...bytes]).toEqual([1, 4, 2, 1, 4, 3, 6, 5, 8, 7, 0x0a, 9]);
  expect(decodeHeader(bytes)).toEqual(header);
  const short = new Uint8Array(10);
  encodeHeader(header, short, 3);
  expect([...short]).toEqual([...bytes.subarray(0, 10)]);
});

test.each([
  [
    [0xff, 0xff, 0, 0],
    [0xff, 0xff],
  ],
  [
    [0x80, 0x00, 0x80, 0x00],
    [0xff, 0xfe],
  ],
  [
    [0x12, 0x34, 0x56],
    [0x97, 0xcb],
  ],
])('the checksum of %j', (data, expected) => {
  const bytes = Uint8Array.of(0, 0, ...data);
  const finished = forGuest({ bytes, header: { ...COMPLETE, flags: 1, csumStart: 0, csumOffset: 0 } }, 0n);
  expect([...(finished?.bytes.subarray(0, 2) ?? [])]).toEqual(expected);
  expect(finished?.header).toEqual(COMPLETE);
  expect(bytes[0]).toBe(0);
});

test('a checksum outside the frame cannot be', () => {
  const frame = { bytes: new Uint8Array(20), header: { ...COMPLETE, flags: 1, csumStart: 10, csumOffset: 9 } };
  expect(forGuest(frame, 2n)).toBeNull();
});
