// SPDX-License-Identifier: BSD-2-Clause
/** Guests that come from Debian's packages, fetched once into the user's cache. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive, type Entry } from '../../../scripts/quickstart/cpio.js';
import { DebianPackages } from '../../../scripts/quickstart/debian-packages.js';
import { cacheFolder, type Guest, guestIn } from '../../../scripts/quickstart/guest.js';
import { initramfs } from '../../../scripts/quickstart/initramfs.js';
import type { Step } from '../../../scripts/quickstart/tools.js';
import { socatFiles } from './socat.js';
import { stressFiles } from './stress.js';

const silently: Step = (_, work) => work(() => {});

/** Debian's cloud kernel, with the initramfs of quickstart. */
export function cloudGuest(): Promise<Guest> {
  return guestIn(cacheFolder(process.env), silently);
}

/** Debian's standard kernel. The modules of quickstart's initramfs are the cloud kernel's, so they stay out. */
export async function standardGuest(): Promise<Guest> {
  const busybox = readFileSync(join(dirname((await cloudGuest()).kernel), 'busybox'));
  const kernel = await fetched('vmlinuz-standard', async (packages) => {
    const name = await packages.dependency('linux-image-amd64', /^linux-image-\d.*-amd64$/);
    const boot = join(await packages.unpacked(name), 'boot');
    return join(boot, readdirSync(boot).find((file) => file.startsWith('vmlinuz-')) ?? 'vmlinuz');
  });
  const initrd = join(dirname(kernel), 'initrd-standard.gz');
  writeFileSync(initrd, initramfs({ busybox, modules: new Map() }));
  return { kernel, initrd };
}

/** In the order in which they need each other; their numbers are sorted as words, so there may be ten. */
const VIRTIO = ['virtio_ring', 'virtio', 'virtio_pci_modern_dev', 'virtio_pci_legacy_dev', 'virtio_pci'].map(
  (name) => `drivers/virtio/${name}`,
);
const DISK_MODULES = [
  ...VIRTIO,
  'drivers/block/virtio_blk',
  'drivers/char/hw_random/virtio-rng',
  'drivers/char/virtio_console',
];
const NET_MODULES = [...VIRTIO, 'net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'];
const VSOCK_MODULES = [
  ...VIRTIO,
  'drivers/virtio/virtio_balloon',
  'net/vmw_vsock/vsock',
  'net/vmw_vsock/vmw_vsock_virtio_transport_common',
  'net/vmw_vsock/vmw_vsock_virtio_transport',
];
const FOLDER_MODULES = [
  ...VIRTIO,
  'fs/netfs/netfs',
  'fs/fscache/fscache',
  'net/9p/9pnet',
  'net/9p/9pnet_virtio',
  'fs/9p/9p',
];

/** Debian's cloud kernel with drivers for virtio disks, random numbers and consoles. */
export function virtioGuest(): Promise<Guest> {
  return guestWith('virtio-guest-3', DISK_MODULES);
}

/** The same kernel with the driver for virtio network cards. */
export function netGuest(): Promise<Guest> {
  return guestWith('net-guest', NET_MODULES);
}

/** The same kernel with the drivers for memory balloons and sockets, and socat. */
export function vsockGuest(): Promise<Guest> {
  return guestWith('vsock-guest', VSOCK_MODULES, { more: socatFiles });
}

/** The same kernel with stress-ng. */
export function stressGuest(): Promise<Guest> {
  return guestWith('stress-guest', [], { more: stressFiles });
}

/** Debian's standard kernel with 9P over virtio, which the cloud kernel does not have. */
export function folderGuest(): Promise<Guest> {
  return guestWith('folder-guest', FOLDER_MODULES, { flavour: 'amd64' });
}

interface GuestOptions {
  /** Of the kernel. */
  readonly flavour?: string;
  readonly more?: (packages: DebianPackages) => Promise<readonly Entry[]>;
}

async function guestWith(name: string, wanted: readonly string[], options: GuestOptions = {}): Promise<Guest> {
  const { flavour = 'cloud-amd64', more } = options;
  const busybox = readFileSync(join(dirname((await cloudGuest()).kernel), 'busybox'));
  const folder = await fetched(name, async (packages) => {
    const version = new RegExp(`^linux-image-\\d[^a-z]*-${flavour}$`);
    const tree = await packages.unpacked(await packages.dependency(`linux-image-${flavour}`, version));
    const kernel = readdirSync(join(tree, 'boot')).find((file) => file.startsWith('vmlinuz-')) ?? 'vmlinuz';
    const all = join(tree, 'lib/modules', kernel.replace('vmlinuz-', ''), 'kernel');
    const modules = new Map(wanted.map((path) => [`${basename(path)}.ko`, readFileSync(join(all, `${path}.ko`))]));
    const files = join(tree, 'files');
    mkdirSync(files);
    copyFileSync(join(tree, 'boot', kernel), join(files, 'vmlinuz'));
    // The kernel takes several archives, one behind the other.
    const others = more === undefined ? Buffer.alloc(0) : gzipSync(cpioArchive(await more(packages)));
    writeFileSync(join(files, 'initrd.gz'), Buffer.concat([initramfs({ busybox, modules }), others]));
    return files;
  });
  return { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.gz') };
}

export function memtest(): Promise<string> {
  return fetched('memtest86+x64.bin', async (packages) =>
    join(await packages.unpacked('memtest86+'), 'boot/memtest86+x64.bin'),
  );
}

export async function fetched(file: string, fetch: (packages: DebianPackages) => Promise<string>): Promise<string> {
  const folder = join(cacheFolder(process.env), 'test-guests');
  const path = join(folder, file);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'work-'));
  try {
    const packages = new DebianPackages(work, silently);
    await packages.update();
    const copy = join(work, file);
    cpSync(await fetch(packages), copy, { recursive: true });
    renameSync(copy, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}
