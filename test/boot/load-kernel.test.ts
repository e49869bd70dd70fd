// SPDX-License-Identifier: BSD-2-Clause

import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { BootError } from '../../src/boot/boot-error.js';
import { loadKernel } from '../../src/boot/load-kernel.js';
import { ramLayout } from '../../src/boot/memory-map.js';
import { bzImage, elfImage, elfNote, multibootHeader } from './support/images.js';

const options = { ram: ramLayout(0x4000000), commandLine: '' };
const segments = [{ address: 0x1000000, bytes: Buffer.from('code') }];
const vmlinux = elfImage({ bits: 64, entry: 0x1000000, segments });
const note = { type: 4, address: 0, bytes: elfNote('Xen', 18, Uint8Array.of(0, 0, 0, 1)) };
const pvh = elfImage({ bits: 64, entry: 0x1000000, segments: [...segments, note] });
const multiboot = elfImage({
  bits: 32,
  entry: 0x1000000,
  segments: [{ address: 0x1000000, bytes: multibootHeader(0) }],
});

test.each([
  ['a bzImage', bzImage({ payload: gzipSync(vmlinux) }), /^Linux bzImage unpacked on the host/],
  ['a vmlinux', vmlinux, /^Linux vmlinux/],
  ['an ELF with a PVH note', pvh, /^PVH/],
  ['a Multiboot ELF', multiboot, /^Multiboot/],
])('%s is recognised', (_, bytes, description) => {
  expect(loadKernel({ name: 'kernel', bytes }, options).description).toMatch(description);
});

test.each([
  ['an empty file', Buffer.alloc(0), 'the file is empty'],
  ['text', Buffer.from('#!/bin/sh'), 'it starts with 23212f62696e2f73'],
  [
    'an ELF32 program',
    elfImage({ bits: 32, entry: 0, segments }),
    'an ELF32 file without a PVH note or Multiboot header',
  ],
])('%s is no kernel, and the line says what is one', (_, bytes, found) => {
  expect(() => loadKernel({ name: 'file', bytes }, options)).toThrow(
    `file: not a kernel: ${found}; accepted are a Linux bzImage, an ELF kernel (PVH, Linux vmlinux) or a Multiboot 1 kernel`,
  );
});

test('a kernel over the boot structures is refused', () => {
  const low = elfImage({ bits: 64, entry: 0x2000, segments: [{ address: 0x2000, bytes: Buffer.from('code') }] });
  expect(() => loadKernel({ name: 'kernel', bytes: low }, options)).toThrow(/kernel: .*0x2000.* overlaps .*0x2000/);
});

test.each([bzImage({ payload: gzipSync(vmlinux) }), pvh, multiboot])(
  'damaged kernels give a BootError or a plan',
  (image) => {
    const damage = fc.array(fc.tuple(fc.nat(image.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(image.length), fc.boolean(), (changes, length, cut) => {
        const damaged = Buffer.from(image);
        for (const [at, value] of changes) {
          damaged[at] = value;
        }
        try {
          loadKernel({ name: 'kernel', bytes: cut ? damaged.subarray(0, length) : damaged }, options);
        } catch (error) {
          expect(error).toBeInstanceOf(BootError);
        }
      }),
    );
  },
);
