// SPDX-License-Identifier: BSD-2-Clause
/** `-s [bus:]slot[:func],device[,option...]` and the variables it stands for, `pci.BUS.SLOT.FUNC.*`. */
import { resolve } from 'node:path';
import { isNbd, nbdAddress, nbdUri } from '../host/disk/nbd-address.js';
import { BALLOON_OPTIONS } from '../machine/balloon-options.js';
import type { PciDeviceConfig } from '../machine/config.js';
import { NET_OPTIONS } from '../machine/net-options.js';
import { FOLDER_OPTIONS } from '../machine/ninep-options.js';
import { CONSOLE_OPTIONS, CONSOLE_PORT, DISK_OPTIONS, PORT_PREFIX, RNG_OPTIONS } from '../machine/virtio-options.js';
import { VSOCK_OPTIONS } from '../machine/vsock-options.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

interface Known {
  readonly about: string;
  readonly options: readonly string[];
  /** The option that may come without its name, right after the device. */
  readonly first?: string;
  /** The same for one that has no `=` in it. */
  readonly firstWord?: string;
  /** Something with an `=` that is none of the options: the name of the share, and its path. */
  readonly share?: boolean;
  /** Options that may come several times, which is a list with semicolons. */
  readonly lists?: readonly string[];
  /** Other options are names of ports, each with the path of its socket. */
  readonly ports?: boolean;
}

/** What can be plugged in, with the options each device takes. */
const DEVICES: Readonly<Record<string, Known>> = {
  hostbridge: { about: 'PCI host bridge', options: [] },
  amd_hostbridge: { about: 'PCI host bridge with AMD ids', options: [] },
  lpc: { about: 'PCI-ISA bridge; carries the devices of -l', options: [] },
  'virtio-blk': {
    about:
      'disk: virtio-blk,PATH|NBD[,ro][,direct][,nocache][,nodelete][,queues=N][,sectorsize=LOGICAL[/PHYSICAL]][,ser=TEXT][,line=CLONE]',
    options: DISK_OPTIONS,
    first: 'path',
  },
  'virtio-net': {
    about:
      'network: virtio-net,slirp[,hostfwd=RULE[;RULE...]][,restrict]|tapN|tap=NAME|stream=SOCKET[,reconnect=SECONDS]|' +
      'loopback=NAME[,mac=ADDRESS][,mtu=BYTES][,queues=PAIRS]',
    options: NET_OPTIONS,
    firstWord: 'backend',
    lists: ['hostfwd'],
  },
  'virtio-9p': {
    about: 'shared folder: virtio-9p,NAME=FOLDER[,rw]; read-only without rw',
    options: FOLDER_OPTIONS,
    share: true,
  },
  'virtio-console': {
    about: 'console and ports: virtio-console[,console=BACKEND][,NAME=PATH]...; BACKEND as for -l, PATH of a socket',
    options: CONSOLE_OPTIONS,
    ports: true,
  },
  'virtio-balloon': {
    about: 'memory balloon: virtio-balloon[,size=SIZE][,deflate-on-oom=on|off][,reporting=on|off]',
    options: BALLOON_OPTIONS,
  },
  'virtio-vsock': {
    about: 'sockets to the host: virtio-vsock,path=SOCKET|loopback[,cid=NUMBER]; the guest calls SOCKET_PORT',
    options: VSOCK_OPTIONS,
  },
  'virtio-rnd': { about: 'random bytes of the host; of a seed under the virtual clock', options: RNG_OPTIONS },
};

const PATHS = ['path', 'stream'];
const UNIX = 'unix=';

const LIMITS = { bus: 255, slot: 31, func: 7 };
const FORM = '[bus:]slot[:func],device[,option=value...]';

export function pciHelp(): string {
  const rows = Object.entries(DEVICES).map(([name, { about }]) => `  ${name.padEnd(14)} ${about}\n`);
  return `-s ${FORM}\n\n${rows.join('')}`;
}

export function setPciDevice(tree: ConfigTree, text: string): void {
  const [address = '', device, ...options] = text.split(',');
  const numbers = address.split(':');
  if (device === undefined || device === '' || numbers.length > 3 || !numbers.every((part) => /^\d+$/.test(part))) {
    throw new UsageError(`-s ${text}`, `not of the form ${FORM}; -s help lists the devices`);
  }
  // Two numbers are slot:func, as in bhyve; a bus needs all three.
  const [bus, slot, func] = numbers.length === 3 ? numbers : ['0', ...numbers];
  const path = `pci.${Number(bus)}.${Number(slot)}.${Number(func ?? 0)}`;
  if (tree.get(`${path}.device`) !== undefined) {
    throw new UsageError(`-s ${text}`, `there is already a device '${tree.get(`${path}.device`)}' at ${address}`);
  }
  tree.set(`${path}.device`, device);
  const known = DEVICES[device];
  for (const [index, option] of options.entries()) {
    const unnamed = index === 0 ? (known?.first ?? (option.includes('=') ? undefined : known?.firstWord)) : undefined;
    const [name, value] = unnamed === undefined ? named(option) : [unnamed, option];
    const isPort = known?.ports === true && !known.options.includes(name);
    if (isPort && !option.includes('=')) {
      throw new UsageError(`-s ${text}`, `'${option}' is no option of ${device}; a port is NAME=PATH`);
    }
    if (known?.share === true && option.includes('=') && !known.options.includes(name)) {
      setShare(tree, path, text, [name, value]);
      continue;
    }
    const variable = isPort ? `${path}.${PORT_PREFIX}${name}` : `${path}.${name}`;
    const before = tree.get(variable);
    const isMore = (known?.lists ?? []).includes(name) && before !== undefined;
    tree.set(variable, isMore ? `${before};${value}` : value);
  }
}

function setShare(tree: ConfigTree, path: string, text: string, [name, folder]: readonly [string, string]): void {
  if (tree.get(`${path}.sharename`) !== undefined) {
    throw new UsageError(`-s ${text}`, `'${name}' is a second share; a device has one`);
  }
  tree.set(`${path}.sharename`, name);
  tree.set(`${path}.path`, folder);
}

/** A name alone switches something on. */
function named(option: string): [name: string, value: string] {
  const equals = option.indexOf('=');
  return equals < 0 ? [option, 'true'] : [option.slice(0, equals), option.slice(equals + 1)];
}

export function pciDevices(tree: ConfigTree): PciDeviceConfig[] {
  const found: PciDeviceConfig[] = [];
  for (const bus of tree.children('pci')) {
    for (const slot of tree.children(`pci.${bus}`)) {
      for (const func of tree.children(`pci.${bus}.${slot}`)) {
        const path = `pci.${bus}.${slot}.${func}`;
        if (tree.get(`${path}.device`) !== undefined) found.push(pciDevice(tree, path, { bus, slot, func }));
      }
    }
  }
  const orphan = found.find(
    ({ bus, slot }) => !found.some((other) => other.bus === bus && other.slot === slot && other.fn === 0),
  );
  if (orphan !== undefined) {
    const { bus = 0, slot, fn, kind } = orphan;
    throw new UsageError(
      `pci.${bus}.${slot}.${fn}`,
      `no guest looks for ${kind} there without a function 0 in slot ${bus}:${slot}`,
    );
  }
  return found;
}

/** One spelling of what lies on this host or on a server, wherever it is looked at from. */
function resolved(path: string): string {
  if (!isNbd(path)) return resolve(path);
  try {
    return nbdUri(nbdAddress(path));
  } catch {
    return path; // the machine's configuration says what is wrong with it
  }
}

function pciDevice(tree: ConfigTree, path: string, address: Record<keyof typeof LIMITS, string>): PciDeviceConfig {
  const number = (part: keyof typeof LIMITS): number => {
    const value = /^\d+$/.test(address[part]) ? Number(address[part]) : Number.NaN;
    if (value <= LIMITS[part]) return value;
    throw new UsageError(path, `there is no ${part} '${address[part]}'; accepted is 0 to ${LIMITS[part]}`);
  };
  const device = tree.get(`${path}.device`) ?? '';
  const known = DEVICES[device];
  if (known === undefined) {
    throw new UsageError(path, `unknown device '${device}'; accepted are ${Object.keys(DEVICES).join(', ')}`);
  }
  const options: Record<string, string> = {};
  for (const name of tree.below(path)) {
    if (name === 'device') continue;
    const isPort = known.ports === true && name.startsWith(PORT_PREFIX);
    if (!isPort && !known.options.includes(name)) {
      const accepted = known.options.length > 0 ? `accepted are ${known.options.join(', ')}` : 'it takes none';
      throw new UsageError(path, `unknown option '${name}' of ${device}; ${accepted}`);
    }
    const value = tree.get(`${path}.${name}`) ?? '';
    // A snapshot keeps it, and may be resumed from elsewhere.
    options[name] = (PATHS.includes(name) && value !== '') || isPort ? resolved(value) : value;
    if (name === CONSOLE_PORT && value.startsWith(UNIX)) options[name] = `${UNIX}${resolve(value.slice(UNIX.length))}`;
  }
  if (device.startsWith('virtio-') && !tree.bool('virtio_msix', true)) options.msix ??= 'off';
  const bus = number('bus');
  return { ...(bus !== 0 && { bus }), slot: number('slot'), fn: number('func'), kind: device, options };
}
