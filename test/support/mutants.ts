// SPDX-License-Identifier: BSD-2-Clause
/** Every single value in a saved machine, and what to put in its place to see whether the proof notices. */
import { type CborMap, type CborValue, isMap } from '../../src/core/cbor.js';

export interface Place {
  /** The same for the elements of a list, and for devices of one kind. */
  readonly name: string;
  get(tree: CborMap): CborValue;
  /** In another tree than it was found in, whose lists may be shorter. */
  isIn(tree: CborMap): boolean;
  set(tree: CborMap, value: CborValue): void;
}

type Key = string | number;

/** FXSAVE64 layout (SDM vol. 1, table 10-2), then XSTATE_BV. */
const XSAVE_PARTS: readonly Part[] = [
  ['fcw', 0, 2],
  ['fsw', 2, 2],
  ['ftw', 4, 1],
  ['fop', 6, 2],
  ['fip', 8, 8],
  ['fdp', 16, 8],
  ['mxcsr', 24, 4],
  ...Array.from({ length: 8 }, (_, index): Part => [`st${index}`, 32 + 16 * index, 10]),
  ...Array.from({ length: 16 }, (_, index): Part => [`xmm${index}`, 160 + 16 * index, 16]),
];

/** native/soft/soft_private.cc: quads after the version of a layout. */
const CLOCK = ['base', 'base_retired', 'remainder'];
const OWN = ['instructions', 'selectors'];
const SHARED_PARTS = quads([...CLOCK, 'turn', 'left']);

/** What a restore does for every vCPU: of the others, each is one place. */
const PARTS_OF_ANOTHER = ['time', 'registers', 'msrs', 'xsave', 'lapic', 'engine', 'private'] as const;

type Part = readonly [name: string, offset: number, length: number];

function quads(names: readonly string[]): Part[] {
  return names.map((name, index): Part => [name, 8 + 8 * index, 8]);
}

export function places(tree: CborMap): Place[] {
  const vcpu = ['vcpu', 'fields'];
  const isAlone = tree.processors === undefined;
  const ofPrivate = quads(isAlone ? [...CLOCK, ...OWN] : OWN);
  return [
    ...deviceKinds(tree).flatMap(([id, kind]) => leaves(tree, kind, ['devices', id, 'fields'])),
    place('vcpu.time', [...vcpu, 'time']),
    place('vcpu.engine', [...vcpu, 'engine']),
    ...leaves(tree, 'vcpu.registers', [...vcpu, 'registers']),
    ...leaves(tree, 'vcpu.lapic', [...vcpu, 'lapic']),
    ...modelSpecificRegisters(tree, [...vcpu, 'msrs']),
    ...XSAVE_PARTS.map((part) => partPlace('vcpu.xsave', [...vcpu, 'xsave'], part)),
    ...ofPrivate.map((part) => partPlace('vcpu.private', [...vcpu, 'private'], part)),
    translations([...vcpu, 'private'], 8 + 8 * ofPrivate.length),
    ...(isAlone ? [] : placesOfOthers(tree)),
  ];
}

function placesOfOthers(tree: CborMap): Place[] {
  const others = valueAt(tree, ['processors', 'fields', 'others']);
  if (!Array.isArray(others)) throw new Error('no other vCPUs');
  return [
    ...others.flatMap((_, index) =>
      PARTS_OF_ANOTHER.map((part) =>
        place(`processors.others[].${part}`, ['processors', 'fields', 'others', index, 'fields', part]),
      ),
    ),
    ...SHARED_PARTS.map((part) => partPlace('processors.shared', ['processors', 'fields', 'shared'], part)),
  ];
}

function deviceKinds({ devices }: CborMap): [string, string][] {
  return Object.entries(map(devices)).map(([id, device]) => {
    const { kind } = map(device);
    return [id, typeof kind === 'string' ? kind : id];
  });
}

function leaves(tree: CborMap, name: string, path: readonly Key[]): Place[] {
  const value = valueAt(tree, path);
  if (Array.isArray(value)) {
    const items = value.flatMap((_, index) => leaves(tree, `${name}[]`, [...path, index]));
    return value.some((item) => typeof item === 'object') ? [place(name, path), ...items] : items;
  }
  if (!isMap(value)) return [place(name, path)];
  // Of a shape within a shape only the fields are data.
  if (isMap(value.fields ?? null)) return leaves(tree, name, [...path, 'fields']);
  return Object.keys(value).flatMap((key) => leaves(tree, `${name}.${key}`, [...path, key]));
}

function modelSpecificRegisters(tree: CborMap, path: readonly Key[]): Place[] {
  const rows = valueAt(tree, path);
  if (!Array.isArray(rows)) throw new Error('no MSRs');
  return rows.map((row, index) => {
    const number = Number(map(row).number);
    return place(`vcpu.msrs.${number.toString(16)}`, [...path, index, 'value']);
  });
}

function place(name: string, path: readonly Key[]): Place {
  return {
    name,
    get: (tree) => valueAt(tree, path),
    isIn: (tree) => isAt(tree, path),
    set: (tree, value) => setAt(tree, path, value),
  };
}

function partPlace(name: string, path: readonly Key[], [part, offset, length]: Part): Place {
  return {
    name: `${name}.${part}`,
    get: (tree) => bytesAt(tree, path).slice(offset, offset + length),
    isIn: () => true,
    set: (tree, value) => {
      const bytes = bytesAt(tree, path).slice();
      if (value instanceof Uint8Array) bytes.set(value, offset);
      setAt(tree, path, bytes);
    },
  };
}

/** Both TLBs, each a count and its entries: the end of a private section. */
function translations(path: readonly Key[], offset: number): Place {
  return {
    name: 'vcpu.private.translations',
    get: (tree) => bytesAt(tree, path).slice(offset),
    isIn: () => true,
    set: (tree, value) => {
      if (!(value instanceof Uint8Array)) return;
      setAt(tree, path, Buffer.concat([bytesAt(tree, path).slice(0, offset), value]));
    },
  };
}

/** Other values that may be legal in its place, best first. */
export function otherValues(value: CborValue): CborValue[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number' || typeof value === 'bigint') return otherIntegers(BigInt(value));
  if (typeof value === 'string') return CHOICES.filter((choice) => choice !== value);
  if (value === null) return [1, 0, 1_000_000];
  if (!(value instanceof Uint8Array)) return [];
  if (value.length === 0) return [Uint8Array.of(1)];
  return Array.from({ length: Math.min(value.length, 256) }, (_, at) => {
    const other = value.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    return other;
  });
}

const CHOICES = ['word', 'low', 'high', 'ready', 'icw2', 'kvm'] as const;

function otherIntegers(value: bigint): CborValue[] {
  const flipped = [0n, 1n, 4n, 7n, 2n, 3n, 5n, 6n, 8n, 12n, 24n, 16n, 31n].map((bit) => value ^ (1n << bit));
  return [...flipped, value + 1n, value - 1n].filter((other) => other >= 0n).map(integer);
}

/** The form that CBOR gives back. */
function integer(value: bigint): CborValue {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

function valueAt(tree: CborValue, [key, ...rest]: readonly Key[]): CborValue {
  if (key === undefined) return tree;
  const next = Array.isArray(tree) ? tree[Number(key)] : map(tree)[key];
  if (next === undefined) throw new Error(`nothing at ${key}`);
  return valueAt(next, rest);
}

function isAt(tree: CborValue | undefined, [key, ...rest]: readonly Key[]): boolean {
  if (key === undefined) return tree !== undefined;
  if (Array.isArray(tree)) return isAt(tree[Number(key)], rest);
  return tree !== undefined && isMap(tree) && isAt(tree[key], rest);
}

function setAt(tree: CborValue, path: readonly Key[], value: CborValue): void {
  const last = path.at(-1) ?? '';
  const owner = valueAt(tree, path.slice(0, -1));
  if (Array.isArray(owner)) owner[Number(last)] = value;
  else map(owner)[last] = value;
}

function bytesAt(tree: CborMap, path: readonly Key[]): Uint8Array {
  const value = valueAt(tree, path);
  if (!(value instanceof Uint8Array)) throw new Error(`no bytes at ${path.join('.')}`);
  return value;
}

function map(value: CborValue | undefined): CborMap {
  if (value === undefined || !isMap(value)) throw new Error('expected a map');
  return value;
}
