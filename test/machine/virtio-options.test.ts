// SPDX-License-Identifier: BSD-2-Clause
import { ConfigError } from '../../src/machine/config-error.js';
import { diskConfig, rngConfig } from '../../src/machine/virtio-options.js';

test('a disk has bhyve’s defaults', () => {
  expect(diskConfig('disk', { path: '/d' })).toEqual({
    path: '/d',
    line: null,
    readOnly: false,
    sync: false,
    noCache: false,
    discard: true,
    logicalBlock: 512,
    physicalBlock: 512,
    serial: null,
    queues: 1,
    interfaces: 'transitional',
    packed: false,
    msix: true,
    latency: 100_000n,
    bytesPerSecond: 1_000_000_000n,
  });
});

test('a disk may be that of a clone', () => {
  expect(diskConfig('disk', { path: '/d', line: 'web-2' }).line).toBe('web-2');
  for (const line of ['', '../web', 'a b']) {
    expect(() => diskConfig('disk', { path: '/d', line })).toThrow(
      `disk line: '${line}'; the name of a clone is accepted`,
    );
  }
});

test.each([
  ['512', 512, 512],
  ['4096', 4096, 4096],
  ['512/4096', 512, 4096],
])('sectorsize=%s', (sectorsize, logicalBlock, physicalBlock) => {
  expect(diskConfig('disk', { path: '/d', sectorsize })).toMatchObject({ logicalBlock, physicalBlock });
});

test('bhyve’s words for caches and space', () => {
  expect(diskConfig('disk', { path: '/d', direct: 'on' })).toMatchObject({ sync: true, noCache: false });
  expect(diskConfig('disk', { path: '/d', nocache: 'on' })).toMatchObject({ sync: false, noCache: true });
  expect(diskConfig('disk', { path: '/d', nodelete: 'on' })).toMatchObject({ discard: false });
});

test('says what else a device may be told', () => {
  const given = {
    path: '/d',
    ro: 'true',
    ser: 'abc',
    queues: '4',
    modern: 'on',
    packed: 'on',
    latency: '7',
    bandwidth: '2',
  };
  expect(diskConfig('disk', given)).toMatchObject({
    readOnly: true,
    serial: 'abc',
    queues: 4,
    interfaces: 'modern',
    packed: true,
    latency: 7000n,
    bytesPerSecond: 2_000_000n,
  });
  expect(rngConfig('rng', { seed: 'x', modern: 'off', msix: 'off' })).toEqual({
    seed: 'x',
    interfaces: 'legacy',
    packed: false,
    msix: false,
  });
});

test.each([
  [{}, 'disk path: missing; give an image file, a block device or an NBD export'],
  [{ path: '/d', sectorsize: '4096/512' }, "disk sectorsize: '4096/512'; accepted is LOGICAL[/PHYSICAL]"],
  [{ path: '/d', sectorsize: '1000' }, "disk sectorsize: '1000'"],
  [{ path: '/d', sectorsize: '512/512/512' }, "disk sectorsize: '512/512/512'"],
  [{ path: '/d', ser: 'a serial that is too long' }, 'disk ser: '],
  [{ path: '/d', ro: 'maybe' }, "disk ro: 'maybe'; accepted are on and off"],
  [{ path: '/d', queues: '17' }, "disk queues: '17'; a whole number from 1 to 16 is accepted"],
  [{ path: '/d', modern: 'off', packed: 'on' }, 'disk packed: needs the modern interface, but modern=off is given'],
])('%j is refused', (options, message) => {
  expect(() => diskConfig('disk', options)).toThrow(ConfigError);
  expect(() => diskConfig('disk', options)).toThrow(message);
});
