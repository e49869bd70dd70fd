// SPDX-License-Identifier: BSD-2-Clause
/** The options of virtio devices, from words to values. */
import { MOST_NAMED_PORTS } from '../../devices/virtio/console.js';
import type { Interfaces } from '../../devices/virtio/features.js';
import { isNbd, nbdAddress } from '../host/disk/nbd-address.js';
import { ConfigError } from './config-error.js';

/** The options of one `-s`. */
export type Options = Readonly<Record<string, string>>;

const ON = ['true', 'on'];
const OFF = ['false', 'off'];
const LARGEST_SECTOR = 4096;
const MOST_DISK_QUEUES = 16;
/** The console port of a virtio console, which is no named port. */
export const CONSOLE_PORT = 'console';
/** In front of the names of its other ports. */
export const PORT_PREFIX = 'port.';
const PORT_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,47}$/;
const LINE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const SERIAL = /^[\x21-\x7e]{1,20}$/;

export interface VirtioOptions {
  readonly interfaces: Interfaces;
  readonly packed: boolean;
  readonly msix: boolean;
}

export interface RngConfig extends VirtioOptions {
  /** What the random bytes follow from under the virtual clock. */
  readonly seed: string;
}

export interface DiskConfig extends VirtioOptions {
  readonly path: string;
  /** Whose content of the image it is: null for the image's own, else that of the clone with this name. */
  readonly line: string | null;
  readonly readOnly: boolean;
  /** Every write is on the medium when it is done. */
  readonly sync: boolean;
  /** Past the host's cache. */
  readonly noCache: boolean;
  /** The guest may give space back. */
  readonly discard: boolean;
  /** Bytes. */
  readonly logicalBlock: number;
  readonly physicalBlock: number;
  /** Null: one that follows from the path. */
  readonly serial: string | null;
  readonly queues: number;
  /** Under the virtual clock: nanoseconds that every request takes, and how much moves in a second. */
  readonly latency: bigint;
  readonly bytesPerSecond: bigint;
}

export interface ConsoleConfig extends VirtioOptions {
  /** Back end of the console port; null if there is no such port. */
  readonly console: string | null;
  /** In the order of their numbers, from 1 on; each is a socket of the host. */
  readonly named: readonly { readonly name: string; readonly path: string }[];
}

/** Names of the options, for the command's own check of names. */
export const TRANSPORT_OPTIONS = ['modern', 'packed', 'msix'];
export const RNG_OPTIONS = ['seed', ...TRANSPORT_OPTIONS];
export const CONSOLE_OPTIONS = [CONSOLE_PORT, ...TRANSPORT_OPTIONS];
export const DISK_OPTIONS = [
  'path',
  'ro',
  'sync',
  'direct',
  'nocache',
  'nodelete',
  'sectorsize',
  'ser',
  'line',
  'queues',
  'latency',
  'bandwidth',
  ...TRANSPORT_OPTIONS,
];

export function rngConfig(where: string, options: Options): RngConfig {
  return { ...transport(new Words(where, options)), seed: options.seed ?? '0' };
}

export function diskConfig(where: string, options: Options): DiskConfig {
  const words = new Words(where, options);
  if (options.path === undefined || options.path === '') {
    throw words.error('path', 'missing; give an image file, a block device or an NBD export');
  }
  if (isNbd(options.path)) checkNbd(words, options.path);
  if (options.line !== undefined && !LINE.test(options.line)) {
    throw words.error(
      'line',
      `'${options.line}'; the name of a clone is accepted: letters, digits, and _ . - after the first`,
    );
  }
  const [logicalBlock, physicalBlock] = sectorSizes(words, options.sectorsize ?? '512');
  if (options.ser !== undefined && !SERIAL.test(options.ser)) {
    throw words.error('ser', `'${options.ser}'; 1 to 20 printable characters are accepted`);
  }
  return {
    ...transport(words),
    path: options.path,
    line: options.line ?? null,
    readOnly: words.flag('ro'),
    sync: words.flag('sync') || words.flag('direct'), // two names of one thing on bhyve
    noCache: words.flag('nocache'),
    discard: !words.flag('nodelete'),
    logicalBlock,
    physicalBlock,
    serial: options.ser ?? null,
    queues: words.number('queues', 1, 1, MOST_DISK_QUEUES),
    latency: 1000n * BigInt(words.number('latency', 100, 0, 10_000_000)),
    bytesPerSecond: 1_000_000n * BigInt(words.number('bandwidth', 1000, 1, 1_000_000)),
  };
}

function checkNbd(words: Words, path: string): void {
  try {
    nbdAddress(path);
  } catch (problem) {
    throw words.error('path', (problem as Error).message);
  }
}

export function consoleConfig(where: string, options: Options): ConsoleConfig {
  const words = new Words(where, options);
  const named = Object.entries(options)
    .filter(([name]) => name.startsWith(PORT_PREFIX))
    .map(([name, path]) => ({ name: name.slice(PORT_PREFIX.length), path }));
  for (const { name, path } of named) {
    if (!PORT_NAME.test(name) || name === CONSOLE_PORT) {
      const accepted = '1 to 48 letters, digits, and _ . : - after the first, and not console, are accepted';
      throw words.error('port', `'${name}'; ${accepted}`);
    }
    if (path === '') throw words.error(name, 'missing; give the path of a socket to listen on');
  }
  if (named.length > MOST_NAMED_PORTS) {
    throw words.error('port', `there are ${named.length}; at most ${MOST_NAMED_PORTS} are accepted`);
  }
  const { console = null } = options;
  if (console === null && named.length === 0) {
    throw words.error('port', 'missing; give console=BACKEND, or NAME=PATH for a socket, or several of these');
  }
  return { ...transport(words), console, named };
}

export class Words {
  constructor(
    private readonly where: string,
    private readonly options: Options,
  ) {}

  error(name: string, problem: string): ConfigError {
    return new ConfigError(`${this.where} ${name}`, problem);
  }

  flag(name: string, byDefault = false): boolean {
    const word = this.options[name] ?? String(byDefault);
    if (ON.includes(word)) return true;
    if (OFF.includes(word)) return false;
    throw this.error(name, `'${word}'; accepted are on and off`);
  }

  number(name: string, byDefault: number, min: number, max: number): number {
    const word = this.options[name];
    if (word === undefined) return byDefault;
    const number = /^\d{1,9}$/.test(word) ? Number(word) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw this.error(name, `'${word}'; a whole number from ${min} to ${max} is accepted`);
  }

  get modern(): string {
    return this.options.modern ?? 'transitional';
  }
}

export function transport(words: Words): VirtioOptions {
  const common = { packed: words.flag('packed'), msix: words.flag('msix', true) };
  const { modern } = words;
  if (ON.includes(modern)) return { interfaces: 'modern', ...common };
  if (modern === 'transitional') return { interfaces: 'transitional', ...common };
  if (!OFF.includes(modern)) throw words.error('modern', `'${modern}'; accepted are on, off and transitional`);
  if (common.packed) throw words.error('packed', 'needs the modern interface, but modern=off is given');
  return { interfaces: 'legacy', ...common };
}

/** bhyve's `logical[/physical]`. */
function sectorSizes(words: Words, text: string): [logical: number, physical: number] {
  const [logical = Number.NaN, physical = logical, ...more] = text.split('/').map(sectorSize);
  const isSound = more.length === 0 && logical <= physical;
  if (isSound) return [logical, physical];
  throw words.error('sectorsize', `'${text}'; accepted is LOGICAL[/PHYSICAL], powers of two from 512 to 4096`);
}

function sectorSize(word: string): number {
  const size = Number(word);
  return [512, 1024, 2048, LARGEST_SECTOR].includes(size) ? size : Number.NaN;
}
