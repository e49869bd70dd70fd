// SPDX-License-Identifier: BSD-2-Clause
import { ConfigLayout, headerType0, headerType1 } from '../../../devices/pci/config-layout.js';
import { configSpace, readConfig, writeConfig } from '../../../devices/pci/config-space.js';

const IDENTITY = {
  vendorId: 0x1234,
  deviceId: 0xabcd,
  revisionId: 0x07,
  classCode: 0xff0102,
  interruptPin: 2,
} as const;

function make(layout: ConfigLayout) {
  const config = layout.initial.slice();
  return {
    config,
    read: (offset: number, width: 1 | 2 | 4 = 4) => readConfig(config, offset, width),
    write: (offset: number, value: number, width: 1 | 2 | 4 = 4) => writeConfig(layout, config, offset, width, value),
  };
}

describe('type 0 header', () => {
  test('identity, class and pin are where the specification puts them', () => {
    const layout = new ConfigLayout(headerType0({ ...IDENTITY, subsystemVendorId: 0x1111, subsystemId: 0x2222 }));
    const { read } = make(layout);
    expect(read(0x00)).toBe(0xabcd1234);
    expect(read(0x08)).toBe(0xff010207);
    expect(read(0x0e, 1)).toBe(0x00);
    expect(read(0x2c)).toBe(0x22221111);
    expect(read(0x3d, 1)).toBe(2);
    expect(read(0x34, 1)).toBe(0);
    expect(read(0x06, 2)).toBe(0);
  });

  test('only these bits can be written', () => {
    const { config, write } = make(new ConfigLayout(headerType0(IDENTITY)));
    const before = config.slice();
    for (let offset = 0; offset < 256; offset += 4) write(offset, 0xffffffff);
    const changed = Array.from(config, (byte, at) => [at, byte ^ (before[at] ?? 0)]).filter(([, bits]) => bits !== 0);
    expect(changed).toEqual([
      [0x04, 0x47],
      [0x05, 0x05],
      [0x0c, 0xff],
      [0x0d, 0xff],
      [0x3c, 0xff],
    ]);
  });

  test('a multi-function device says so in header type bit 7', () => {
    const { read } = make(new ConfigLayout(headerType0({ ...IDENTITY, multiFunction: true })));
    expect(read(0x0e, 1)).toBe(0x80);
  });
});

test('status error bits are cleared by ones and kept by zeros', () => {
  const { config, read, write } = make(new ConfigLayout(headerType0(IDENTITY)));
  config[0x07] = 0x30;
  write(0x06, 0x1000, 2);
  expect(read(0x06, 2)).toBe(0x2000);
  write(0x04, 0x00000007);
  expect(read(0x04)).toBe(0x20000007);
});

test('a type 1 header has bus numbers and windows', () => {
  const { read, write } = make(new ConfigLayout(headerType1({ ...IDENTITY, classCode: 0x060400 })));
  expect(read(0x0e, 1)).toBe(0x01);
  for (const offset of [0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x3c]) write(offset, 0xffffffff);
  expect([0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c].map((offset) => read(offset))).toEqual([
    0xffffffff, 0x0000f0f0, 0xfff0fff0, 0xfff1fff1, 0xffffffff, 0xffffffff,
  ]);
  expect(read(0x3c)).toBe(0x005f02ff);
});

describe('capabilities', () => {
  const layout = new ConfigLayout(headerType0(IDENTITY), [
    { id: 0x05, length: 10, registers: [{ at: 2, width: 2, initial: 0x80, writable: 0x01 }] },
    { id: 0x11, length: 12, registers: [{ at: 4, width: 4, initial: 0x1001 }] },
  ]);

  test('form a dword-aligned chain announced in status', () => {
    const { read } = make(layout);
    expect(read(0x06, 2)).toBe(0x0010);
    expect(read(0x34, 1)).toBe(0x40);
    expect(read(0x40, 2)).toBe(0x4c05);
    expect(read(0x4c, 2)).toBe(0x0011);
    expect(read(0x50)).toBe(0x1001);
    expect(layout.capability(0x11)).toBe(0x4c);
    expect(layout.capability(0x10)).toBeUndefined();
  });

  test('that do not fit are refused', () => {
    expect(() => new ConfigLayout([], [{ id: 9, length: 200, registers: [] }])).toThrow(
      'capability 0x9 ends past 0xff',
    );
  });
});

describe('as a state field', () => {
  const layout = new ConfigLayout(headerType0(IDENTITY));
  const field = configSpace(layout);

  test('takes any value of the writable bits', () => {
    const saved = layout.initial.slice();
    saved[0x04] = 0x07;
    expect(field.check(saved, 'nic.config')).toEqual(saved);
  });

  test("refuses another function's space by offset", () => {
    const saved = layout.initial.slice();
    saved[0x02] = 0xce;
    expect(() => field.check(saved, 'nic.config')).toThrow(
      'nic.config[0x02]: expected 0xcd in the bits of 0xff, got 0xce',
    );
  });

  test('refuses another length', () => {
    expect(() => field.check(new Uint8Array(64), 'nic.config')).toThrow('nic.config: expected 256 bytes, got 64 bytes');
  });
});
