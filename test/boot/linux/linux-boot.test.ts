// SPDX-License-Identifier: BSD-2-Clause
import { gzipSync } from 'node:zlib';
import { loadKernel } from '../../../src/boot/load-kernel.js';
import { ramLayout } from '../../../src/boot/memory-map.js';
import { bzImage, elfImage } from '../support/images.js';
import { viewOf, writeNamed } from '../support/plan.js';

const MIB = 0x100000;
const options = { ram: ramLayout(64 * MIB), commandLine: 'console=ttyS0' };
const vmlinux = elfImage({
  bits: 64,
  entry: 0x1000000,
  segments: [{ address: 0x1000000, bytes: Buffer.from('startup_64'), memorySize: 0x5000 }],
});
const packed = bzImage({ payload: gzipSync(vmlinux) });

describe('a bzImage unpacked on the host', () => {
  const plan = loadKernel({ name: 'vmlinuz', bytes: packed }, options);

  test('the ELF segments are in place and the entry is the physical e_entry', () => {
    const segment = writeNamed(plan, 'ELF segment 0');
    expect(viewOf(segment).toString()).toBe('startup_64');
    expect(segment).toMatchObject({ address: 0x1000000, size: 0x5000 });
    expect(plan.cpu.rip).toBe(0x1000000n);
  });

  test('the processor is in 64-bit mode with the protocol selectors and RSI at boot_params', () => {
    const { cpu } = plan;
    expect(cpu.cr0 & 0x80000001n).toBe(0x80000001n);
    expect(cpu.cr4).toBe(0x20n);
    expect(cpu.efer).toBe(0x500n);
    expect(cpu.rflags).toBe(2n);
    expect(cpu.segments.cs).toEqual({ selector: 0x10, base: 0n, limit: 0xffffffff, attributes: 0xa09b });
    for (const name of ['ds', 'es', 'ss'] as const) {
      expect(cpu.segments[name]).toEqual({ selector: 0x18, base: 0n, limit: 0xffffffff, attributes: 0xc093 });
    }
    expect(cpu.segments.tr.attributes).toBe(0x8b);
    expect(cpu.rsi).toBe(BigInt(writeNamed(plan, 'boot_params').address));
  });

  test('the GDT in memory holds what the selectors say', () => {
    const gdt = writeNamed(plan, 'GDT');
    expect(plan.cpu.gdtr).toEqual({ base: BigInt(gdt.address), limit: 0x1f });
    expect(viewOf(gdt).readBigUInt64LE(0x10)).toBe(0x00af9b000000ffffn);
    expect(viewOf(gdt).readBigUInt64LE(0x18)).toBe(0x00cf93000000ffffn);
  });

  test('CR3 leads to an identity map of the first 4 GiB', () => {
    const tables = writeNamed(plan, 'page tables');
    const read = (address: bigint) => viewOf(tables).readBigUInt64LE(Number(address) - tables.address);
    for (const address of [0n, 0x1000000n, 0x7fe00000n, 0xffe00000n]) {
      const pdpt = read(plan.cpu.cr3) & ~0xfffn;
      const directory = read(pdpt + (address >> 30n) * 8n) & ~0xfffn;
      expect(read(directory + ((address >> 21n) & 0x1ffn) * 8n)).toBe(address | 0x83n);
    }
  });

  test('boot_params carries the image header, e820, command line and RSDP', () => {
    const params = viewOf(writeNamed(plan, 'boot_params'));
    expect(params.length).toBe(4096);
    expect(params.toString('latin1', 0x202, 0x206)).toBe('HdrS');
    expect(params.readUInt32LE(0x238)).toBe(2047);
    expect(params.readUInt8(0x210)).toBe(0xff);
    expect(params.readBigUInt64LE(0x70)).toBe(0xf2400n);
    const commandLine = writeNamed(plan, 'command line');
    expect(params.readUInt32LE(0x228)).toBe(commandLine.address);
    expect(viewOf(commandLine).toString()).toBe('console=ttyS0\0');
    const e820 = Array.from({ length: params.readUInt8(0x1e8) }, (_, index) => {
      const at = 0x2d0 + index * 20;
      return [params.readBigUInt64LE(at), params.readBigUInt64LE(at + 8), params.readUInt32LE(at + 16)];
    });
    expect(e820).toEqual([
      [0n, 0xa0000n, 1],
      [0xa0000n, 0x60000n, 2],
      [0x100000n, BigInt(63 * MIB), 1],
      [0xe0000000n, 0x10000000n, 2],
    ]);
  });
});

test('the initrd lies page-aligned at the top of the memory the kernel can reach', () => {
  const initrd = { name: 'initrd', bytes: Buffer.alloc(5000, 7) };
  const atTop = loadKernel({ name: 'vmlinuz', bytes: packed }, { ...options, initrd });
  expect(writeNamed(atTop, 'initrd').address).toBe(64 * MIB - 8192);
  const params = viewOf(writeNamed(atTop, 'boot_params'));
  expect([params.readUInt32LE(0x218), params.readUInt32LE(0x21c)]).toEqual([64 * MIB - 8192, 5000]);

  const limited = bzImage({ payload: gzipSync(vmlinux), initrdMax: 32 * MIB - 1 });
  const below = loadKernel({ name: 'vmlinuz', bytes: limited }, { ...options, initrd });
  expect(writeNamed(below, 'initrd').address).toBe(32 * MIB - 8192);
});

test('on request the bzImage runs as it is, from its 64-bit entry', () => {
  const plan = loadKernel({ name: 'vmlinuz', bytes: packed }, { ...options, unpack: 'guest' });
  expect(plan.cpu.rip).toBe(0x1000200n);
  expect(writeNamed(plan, 'kernel')).toMatchObject({ address: 0x1000000, size: 0x100000 });
  expect(viewOf(writeNamed(plan, 'boot_params')).readUInt32LE(0x214)).toBe(0x1000000);
});

test('without ACPI tables no RSDP is announced', () => {
  const plan = loadKernel({ name: 'vmlinuz', bytes: packed }, { ...options, acpi: false });
  expect(viewOf(writeNamed(plan, 'boot_params')).readBigUInt64LE(0x70)).toBe(0n);
});

test('a kernel without XLF_KERNEL_64 starts in 32-bit protected mode', () => {
  const plan = loadKernel({ name: 'memtest', bytes: bzImage({ has64BitEntry: false }) }, options);
  const { cpu } = plan;
  expect(cpu.rip).toBe(0x1000000n);
  expect([cpu.cr0 & 0x80000001n, cpu.cr4, cpu.efer]).toEqual([1n, 0n, 0n]);
  expect(cpu.segments.cs).toMatchObject({ selector: 0x10, attributes: 0xc09b });
  expect([cpu.rsi, cpu.rbp, cpu.rdi, cpu.rbx]).toEqual([BigInt(writeNamed(plan, 'boot_params').address), 0n, 0n, 0n]);
});

test('a plain vmlinux gets a setup header the kernel trusts', () => {
  const plan = loadKernel({ name: 'vmlinux', bytes: vmlinux }, options);
  const params = viewOf(writeNamed(plan, 'boot_params'));
  expect(params.toString('latin1', 0x202, 0x206)).toBe('HdrS');
  expect(params.readUInt16LE(0x1fe)).toBe(0xaa55);
  expect(plan.cpu.rip).toBe(0x1000000n);
});

test.each([
  ['an old protocol', { version: 0x0205 }, {}, /vmlinuz: boot protocol 2\.05, at least 2\.06 is accepted/],
  ['a zImage', { loadflags: 0 }, {}, /loadflags is 0x0, only kernels with LOADED_HIGH/],
  ['too little RAM', { initSize: 64 * MIB }, {}, /kernel at 0x1000000\.\.0x5000000 does not fit in guest RAM/],
  ['a long command line', { commandLineMax: 4 }, {}, /the command line has 13 bytes, at most 4 are accepted/],
  ['a NUL', {}, { commandLine: 'a\0b' }, /NUL character/],
  [
    'a large initrd',
    {},
    { initrd: { name: 'big.img', bytes: new Uint8Array(48 * MIB) } },
    /big\.img: the initrd has 50331648 bytes, at most 49283072 fit/,
  ],
  ['an empty initrd', {}, { initrd: { name: 'none.img', bytes: new Uint8Array() } }, /none\.img: the initrd is empty/],
])('%s is refused in one line', (_, image, extra, message) => {
  expect(() => loadKernel({ name: 'vmlinuz', bytes: bzImage(image) }, { ...options, ...extra })).toThrow(message);
});

test('a file cut short is refused', () => {
  const cut = packed.subarray(0, packed.length - 64);
  expect(() => loadKernel({ name: 'vmlinuz', bytes: cut }, options)).toThrow(
    /syssize announces \d+ bytes .* cut short/,
  );
});

test('an unpacked kernel whose entry is outside its segments is refused', () => {
  const stray = elfImage({ bits: 64, entry: 0x400000, segments: [{ address: 0x1000000, bytes: Buffer.from('x') }] });
  const bytes = bzImage({ payload: gzipSync(stray) });
  expect(() => loadKernel({ name: 'vmlinuz', bytes }, options)).toThrow(/vmlinuz \(unpacked\): e_entry is 0x400000/);
});
