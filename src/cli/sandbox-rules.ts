// SPDX-License-Identifier: BSD-2-Clause
/** What a running VM still needs of the host's files and networks, from what its configuration names. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { isNbd } from '../host/disk/nbd-address.js';
import { isImageFile } from '../host/disk/open-disk.js';
import { packageRoot } from '../hypervisor/package-root.js';
import type { SandboxRules } from '../hypervisor/sandbox-rules.js';
import type { PciDeviceConfig } from '../machine/config.js';
import type { RunPaths } from './run-paths.js';
import type { Settings } from './settings.js';

/** What Node, the C library and we open when we come to need it: code, the time zone, facts about the host. */
const SYSTEM = [
  ...['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/etc/ld.so.cache'],
  ...[
    '/etc/machine-id',
    '/etc/localtime',
    '/usr/share/zoneinfo',
    '/proc',
    '/sys/fs/cgroup',
    '/dev/urandom',
    '/dev/random',
  ],
];
/** How the C library finds hosts. The second may be where the first leads to. */
const RESOLVER = [
  ...['/etc/resolv.conf', '/run/systemd/resolve', '/etc/hosts', '/etc/host.conf', '/etc/gai.conf'],
  ...['/etc/nsswitch.conf', '/etc/services', '/etc/protocols'],
];
const SOCKET = /^unix=(.*)$/s;
/** Back ends of network cards whose sockets stand when the guest starts, or that have none. */
const LOCAL_LINKS = ['stream', 'loopback'];

export function sandboxRules(settings: Settings, run: RunPaths): SandboxRules {
  const { machine, store, resume, consoles } = settings;
  const network = needsNetwork(settings);
  const { kernel, initrd } = machine.boot ?? {};
  return {
    network,
    read: [
      ...programFiles(),
      ...SYSTEM,
      ...(network ? RESOLVER : []),
      ...[kernel, initrd].filter((path) => path !== undefined),
      ...machine.pci.flatMap(placesOf),
    ],
    write: [
      ...['/dev/null', store, run.folder],
      ...(resume === undefined ? [] : [resume.store]),
      ...[...consoles.values()].filter((word) => word.startsWith('/dev/')),
      ...machine.pci.flatMap(writablePlaces),
    ],
    sockets: ownSockets(settings).map((path) => dirname(resolve(path))),
    folders: [dirname(run.folder)],
  };
}

/** This program, with the packages that lie beside it when it is installed as one of them. */
function programFiles(): string[] {
  const root = packageRoot();
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env; // which Node reads at its leisure
  return [
    root,
    process.execPath,
    ...(certificates ? [certificates] : []),
    ...(basename(dirname(root)) === 'node_modules' ? [dirname(root)] : []),
  ];
}

function placesOf({ options }: PciDeviceConfig): string[] {
  return Object.values(options).filter((value) => value.startsWith('/'));
}

/** Image files that the guest may write to: each has a folder for its layers beside it. */
export function writableImages({ machine }: Settings): string[] {
  const disks = machine.pci.filter((device) => device.kind === 'virtio-blk' && isChanged(device));
  return disks.flatMap(({ options }) => options.path ?? []).filter((path) => !isNbd(path) && isImageFile(path));
}

/** Shared folders are read-only unless they are not to be, disks the other way round. */
function isChanged({ kind, options }: PciDeviceConfig): boolean {
  return kind === 'virtio-9p' ? isOn(options.rw) : !isOn(options.ro);
}

function writablePlaces(device: PciDeviceConfig): string[] {
  const { path = '' } = device.options;
  if (!path.startsWith('/') || !isChanged(device)) return [];
  if (device.kind === 'virtio-blk') return [path, layersOf(path)];
  return device.kind === 'virtio-9p' ? [path] : [];
}

/** Where layers of an image lie (decision 0015), beside the file that its name leads to. */
function layersOf(image: string): string {
  return `${existsSync(image) ? realpathSync(image) : image}.tsbhyve`;
}

/** Sockets at which this VM listens, which are removed when it ends. */
function ownSockets({ machine, consoles }: Settings): string[] {
  const devices = machine.pci.filter(({ kind }) => kind === 'virtio-vsock').flatMap(placesOf);
  return [...[...consoles.values()].flatMap((word) => SOCKET.exec(word)?.[1] ?? []), ...devices];
}

function needsNetwork({ machine, consoles }: Settings): boolean {
  return (
    [...consoles.values()].some((word) => word.startsWith('tcp=')) ||
    machine.pci.some(({ kind, options }) => {
      if (kind === 'virtio-net') return !LOCAL_LINKS.some((name) => options[name] !== undefined);
      const { path = '' } = options;
      return isNbd(path) && !path.startsWith('nbd+unix:');
    })
  );
}

function isOn(word: string | undefined): boolean {
  return word === 'true' || word === 'on';
}
