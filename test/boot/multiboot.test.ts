// SPDX-License-Identifier: BSD-2-Clause
import { loadKernel } from '../../src/boot/load-kernel.js';
import { ramLayout } from '../../src/boot/memory-map.js';
import { elfImage, multibootHeader } from './support/images.js';
import { viewOf, writeNamed } from './support/plan.js';

const MIB = 0x100000;
const options = { ram: ramLayout(64 * MIB), commandLine: 'kernel quiet' };
const elf32 = elfImage({
  bits: 32,
  entry: 0x100010,
  segments: [
    { address: 0x100000, bytes: Buffer.concat([multibootHeader(3), Buffer.from('code')]), memorySize: 0x2000 },
  ],
});

test('an ELF32 kernel starts with the magic in EAX and the information in EBX', () => {
  const plan = loadKernel({ name: 'kernel', bytes: elf32 }, options);
  expect([plan.cpu.rip, plan.cpu.rax]).toEqual([0x100010n, 0x2badb002n]);
  expect(plan.cpu.rbx).toBe(BigInt(writeNamed(plan, 'Multiboot information').address));
  expect(plan.cpu.segments.cs.attributes).toBe(0xc09b);
  expect(writeNamed(plan, 'ELF segment 0')).toMatchObject({ address: 0x100000, size: 0x2000 });
});

test('the information gives memory sizes, command line, module, map and loader name', () => {
  const initrd = { name: 'module', bytes: Buffer.alloc(10, 1) };
  const plan = loadKernel({ name: 'kernel', bytes: elf32 }, { ...options, initrd });
  const base = writeNamed(plan, 'Multiboot information').address;
  const info = viewOf(writeNamed(plan, 'Multiboot information'));
  expect(info.readUInt32LE(0)).toBe(0b10_0100_1101);
  expect([info.readUInt32LE(4), info.readUInt32LE(8)]).toEqual([640, 63 * 1024]);
  expect(info.readUInt32LE(16)).toBe(writeNamed(plan, 'command line').address);

  expect(info.readUInt32LE(20)).toBe(1);
  const module = info.readUInt32LE(24) - base;
  const { address } = writeNamed(plan, 'module');
  expect([info.readUInt32LE(module), info.readUInt32LE(module + 4)]).toEqual([address, address + 10]);
  expect(info[info.readUInt32LE(module + 8) - base]).toBe(0);

  const map = info.readUInt32LE(48) - base;
  expect(info.readUInt32LE(44)).toBe(4 * 24);
  expect([info.readUInt32LE(map), info.readBigUInt64LE(map + 12), info.readUInt32LE(map + 20)]).toEqual([
    20,
    0xa0000n,
    1,
  ]);
  const loader = info.readUInt32LE(64) - base;
  expect(info.toString('latin1', loader, info.indexOf(0, loader))).toBe('tsbhyve');
});

describe('a flat kernel with load addresses', () => {
  const HEADER_OFFSET = 16;
  const flat = (fields: { load?: number; loadEnd?: number; bssEnd?: number; entry?: number }) => {
    const load = fields.load ?? 0x100000;
    const addresses = [
      0x100000 + HEADER_OFFSET,
      load,
      fields.loadEnd ?? 0,
      fields.bssEnd ?? 0,
      fields.entry ?? 0x100030,
    ];
    const header = multibootHeader(0x10000, addresses);
    return { name: 'flat', bytes: Buffer.concat([Buffer.alloc(HEADER_OFFSET, 0x90), header, Buffer.alloc(64, 0xf4)]) };
  };

  test('is loaded to the end of the file when load_end_addr is zero', () => {
    const plan = loadKernel(flat({}), options);
    expect(plan.cpu.rip).toBe(0x100030n);
    expect(writeNamed(plan, 'kernel')).toMatchObject({ address: 0x100000, size: 112 });
  });

  test('honours load_end_addr and bss_end_addr', () => {
    const kernel = writeNamed(loadKernel(flat({ loadEnd: 0x100040, bssEnd: 0x108000 }), options), 'kernel');
    expect(kernel.bytes.length).toBe(64);
    expect(kernel.size).toBe(0x8000);
  });

  test.each([
    ['load_addr above the header', { load: 0x200000 }, /load_addr 0x200000 and header_addr 0x100010/],
    ['load_addr before the file', { load: 0xff000 }, /put the load start outside the file/],
    ['load_end_addr past the file', { loadEnd: 0x200000 }, /flat: kernel needs 1048576 bytes at offset 0x0/],
    ['load_end_addr below the start', { loadEnd: 0x1000 }, /flat: kernel needs -\d+ bytes/],
    ['an entry outside', { entry: 0x90000 }, /entry_addr is 0x90000/],
  ])('refuses %s', (_, fields, message) => {
    expect(() => loadKernel(flat(fields), options)).toThrow(message);
  });
});

test('unknown mandatory flags are refused, as the specification demands', () => {
  const bytes = Buffer.concat([multibootHeader(0x8), Buffer.alloc(64)]);
  expect(() => loadKernel({ name: 'k', bytes }, options)).toThrow(
    /k: the Multiboot flags are 0x8, of bits 0-15 only 0, 1 and 2/,
  );
});

test('a wrong checksum is no header', () => {
  const bytes = Buffer.concat([multibootHeader(3), Buffer.alloc(64)]);
  bytes.writeUInt32LE(0x12345678, 8);
  expect(() => loadKernel({ name: 'k', bytes }, options)).toThrow(/k: not a kernel: it starts with 02b0ad1b/);
});
