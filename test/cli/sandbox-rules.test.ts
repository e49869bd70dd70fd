// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { runPaths } from '../../src/cli/run-paths.js';
import { sandboxRules } from '../../src/cli/sandbox-rules.js';
import type { Settings } from '../../src/cli/settings.js';
import { DEFAULT_CONFIG, type PciDeviceConfig } from '../../src/machine/config.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-rules-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const device = (kind: string, options: Record<string, string>): PciDeviceConfig => ({ slot: 3, fn: 0, kind, options });

function rules(pci: PciDeviceConfig[], more: Partial<Settings> = {}) {
  const boot = { kernel: '/boot/kernel', initrd: '/boot/initrd', commandLine: '' };
  const settings: Settings = {
    machine: { ...DEFAULT_CONFIG, boot, pci },
    consoles: new Map(),
    verbosity: 'warn',
    sigterm: { action: 'poweroff', seconds: null },
    store: '/store',
    sandbox: true,
    translator: {},
    ...more,
  };
  return sandboxRules(settings, runPaths('vm', '/run/vms'));
}

test('a VM without devices has its kernel, its store and its run folder', () => {
  const { network, read, write, sockets, folders } = rules([]);
  expect(network).toBe(false);
  expect(read).toEqual(expect.arrayContaining([resolve('.'), process.execPath, '/boot/kernel', '/boot/initrd']));
  expect(read).not.toContain('/etc/resolv.conf');
  expect(write).toEqual(['/dev/null', '/store', '/run/vms/vm']);
  expect(sockets).toEqual([]);
  expect(folders).toEqual(['/run/vms']);
});

test('disks are written with their layers, through links, read-only ones are not', () => {
  const image = join(folder, 'disk.img');
  const link = join(folder, 'link');
  writeFileSync(image, '');
  symlinkSync(image, link);
  const { read, write, sockets } = rules([
    device('virtio-blk', { path: link }),
    device('virtio-blk', { path: '/other.img', ro: 'true' }),
  ]);
  expect(write.slice(3)).toEqual([link, `${image}.tsbhyve`]);
  expect(read).toEqual(expect.arrayContaining([link, '/other.img']));
  expect(sockets).not.toContain(folder);
});

test('shared folders are read unless they are writable', () => {
  expect(rules([device('virtio-9p', { path: '/shared', sharename: 'x' })]).write).not.toContain('/shared');
  expect(rules([device('virtio-9p', { path: '/shared', sharename: 'x', rw: 'true' })]).write).toContain('/shared');
});

test('sockets are made and removed in their folders', () => {
  const consoles = new Map([
    ['com1', 'unix=/a/com1'],
    ['com2', '/dev/ttyS0'],
    ['com3', 'pty'],
  ] as const);
  expect(rules([device('virtio-vsock', { path: '/c/vsock' })], { consoles }).sockets).toEqual(['/a', '/c']);
});

test('sockets of others are no reason to change anything beside them', () => {
  const { write, sockets } = rules([
    device('virtio-net', { stream: '/a/peer' }),
    device('virtio-vsock', { path: '/b/s' }),
  ]);
  expect(write.slice(3)).toEqual([]);
  expect(sockets).toEqual(['/b']);
});

test.each([
  ['cables and sockets', [device('virtio-net', { stream: '/s' }), device('virtio-net', { loopback: 'x' })], false],
  ['networks of the host', [device('virtio-net', { backend: 'slirp' })], true],
  ['NBD over TCP', [device('virtio-blk', { path: 'nbd://server:10809/x' })], true],
  ['NBD over a socket', [device('virtio-blk', { path: 'nbd+unix:///x?socket=/s' })], false],
])('%s', (_, pci, network) => {
  expect(rules(pci).network).toBe(network);
  expect(rules(pci).read.includes('/etc/resolv.conf')).toBe(network);
});

test('a console on TCP needs the network, a resumed VM the store that it comes from', () => {
  expect(rules([], { consoles: new Map([['com1', 'tcp=127.0.0.1:0']]) }).network).toBe(true);
  const resume = { store: '/elsewhere', name: 'x', keep: false, overrides: {} };
  expect(rules([], { resume }).write).toContain('/elsewhere');
});
