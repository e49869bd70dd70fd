// SPDX-License-Identifier: BSD-2-Clause
import { loadKernel } from '../../src/boot/load-kernel.js';
import { ramLayout } from '../../src/boot/memory-map.js';
import { elfImage, elfNote } from './support/images.js';
import { viewOf, writeNamed } from './support/plan.js';

const options = { ram: ramLayout(0x4000000), commandLine: '-v' };
const kernel = (entry: Uint8Array) => ({
  name: 'kernel',
  bytes: elfImage({
    bits: 64,
    entry: 0xffff0000,
    segments: [
      { address: 0x200000, bytes: Buffer.from('btext') },
      { type: 4, address: 0, bytes: elfNote('Xen', 18, entry) },
    ],
  }),
});
const ENTRY = Uint8Array.of(0x40, 0x00, 0x20, 0x00);

test('the entry comes from the note, in 32-bit mode with EBX at the start info', () => {
  const plan = loadKernel(kernel(ENTRY), options);
  expect(plan.cpu.rip).toBe(0x200040n);
  expect([plan.cpu.cr0 & 0x80000001n, plan.cpu.cr4, plan.cpu.efer, plan.cpu.rflags]).toEqual([1n, 0n, 0n, 2n]);
  expect(plan.cpu.segments.cs).toMatchObject({ base: 0n, limit: 0xffffffff, attributes: 0xc09b });
  expect(plan.cpu.segments.tr).toMatchObject({ base: 0n, limit: 0x67, attributes: 0x8b });
  expect(plan.cpu.rbx).toBe(BigInt(writeNamed(plan, 'hvm_start_info').address));
});

test('the start info points to command line, RSDP, module and memory map', () => {
  const initrd = { name: 'mfsroot', bytes: Buffer.alloc(100, 1) };
  const plan = loadKernel(kernel(ENTRY), { ...options, initrd });
  const at = writeNamed(plan, 'hvm_start_info').address;
  const info = viewOf(writeNamed(plan, 'hvm_start_info'));
  expect(info.readUInt32LE(0)).toBe(0x336ec578);
  expect(info.readUInt32LE(4)).toBe(1);
  expect(info.readBigUInt64LE(24)).toBe(BigInt(writeNamed(plan, 'command line').address));
  expect(info.readBigUInt64LE(32)).toBe(0xf2400n);

  expect(info.readUInt32LE(12)).toBe(1);
  const module = Number(info.readBigUInt64LE(16)) - at;
  expect(info.readBigUInt64LE(module)).toBe(BigInt(writeNamed(plan, 'module').address));
  expect(info.readBigUInt64LE(module + 8)).toBe(100n);

  const map = Number(info.readBigUInt64LE(40)) - at;
  expect(info.readUInt32LE(48)).toBe(4);
  expect([info.readBigUInt64LE(map + 48), info.readBigUInt64LE(map + 56), info.readUInt32LE(map + 64)]).toEqual([
    0x100000n,
    0x3f00000n,
    1,
  ]);
});

test('an 8-byte entry is accepted below 4 GiB only', () => {
  expect(loadKernel(kernel(Uint8Array.of(0x40, 0, 0x20, 0, 0, 0, 0, 0)), options).cpu.rip).toBe(0x200040n);
  expect(() => loadKernel(kernel(Uint8Array.of(0x40, 0, 0x20, 0, 1, 0, 0, 0)), options)).toThrow(
    /kernel: the PVH entry point is 0x100200040, only addresses below 4 GiB/,
  );
  expect(() => loadKernel(kernel(Uint8Array.of(1, 2)), options)).toThrow(/note has 2 bytes, 4 or 8 are accepted/);
});
