// SPDX-License-Identifier: BSD-2-Clause
/** What a running VM still needs of the host's files and networks, from what its configuration names. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isNbd } from '../host/disk/nbd-address.js';
import { packageRoot } from '../hypervisor/package-root.js';
import type { SandboxRules } from '../hypervisor/sandbox-rules.js';
import type { PciDeviceConfig } from '../machine/config.js';
import type { RunPaths } from './run-paths.js';
import type { Settings } from './settings.js';

/** What Node and the C library open when they come to need it: code, the time zone, facts about the host. */
const SYSTEM = [
  ...['/lib', '/lib64', '/usr/lib', '/usr/lib64', '/usr/local/lib', '/etc/ld.so.cache'],
  ...['/etc/localtime', '/usr/share/zoneinfo', '/proc', '/sys/fs/cgroup', '/dev/urandom', '/dev/random'],
];
/** How the C library finds hosts. The second may be where the first leads to. */
const RESOLVER = [
  ...['/etc/resolv.conf', '/run/systemd/resolve', '/etc/hosts', '/etc/host.conf', '/etc/gai.conf'],
  ...['/etc/nsswitch.conf', '/etc/services', '/etc/protocols'],
];
const PLACE = /^(?:unix=)?(\/.*)$/s;
/** Back ends of network cards whose sockets stand when the guest starts, or that have none. */
const LOCAL_LINKS = ['stream', 'loopback'];

export function sandboxRules(settings: Settings, run: RunPaths): SandboxRules {
  const { machine, store, resume, consoles } = settings;
  const network = needsNetwork(settings);
  const places = [...consoles.values(), ...machine.pci.flatMap(placesOf)].flatMap(
    (word) => PLACE.exec(word)?.[1] ?? [],
  );
  const files = machine.pci.filter(isChanged).flatMap(placesOf);
  const { kernel, initrd } = machine.boot ?? {};
  return {
    network,
    read: [
      ...programFiles(),
      ...SYSTEM,
      ...(network ? RESOLVER : []),
      ...[kernel, initrd].filter((path) => path !== undefined),
      ...places,
    ],
    write: [
      ...['/dev/null', store, run.folder],
      ...(resume === undefined ? [] : [resume.store]),
      ...[...consoles.values()].filter((word) => word.startsWith('/dev/')),
      ...files.filter((path) => path.startsWith('/')).flatMap((path) => [path, layersOf(path)]),
    ],
    sockets: places.filter(isSocketPlace).map(dirname),
    folders: [dirname(run.folder)],
  };
}

/** This program, with the packages that lie beside it when it is installed as one of them. */
function programFiles(): string[] {
  const root = packageRoot();
  return [root, process.execPath, ...(basename(dirname(root)) === 'node_modules' ? [dirname(root)] : [])];
}

function placesOf({ options }: PciDeviceConfig): string[] {
  return Object.values(options).filter((value) => value.startsWith('/'));
}

/** Shared folders are read-only unless they are not to be, disks the other way round. */
function isChanged({ kind, options }: PciDeviceConfig): boolean {
  return kind === 'virtio-9p' ? isOn(options.rw) : !isOn(options.ro);
}

/** Where layers of an image lie (decision 0015), beside the file that its name leads to. */
function layersOf(image: string): string {
  return `${existsSync(image) ? realpathSync(image) : image}.tsbhyve`;
}

/** Sockets are removed when the VM ends, and some are made only when a guest asks for them. */
function isSocketPlace(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? true;
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
