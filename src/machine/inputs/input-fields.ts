// SPDX-License-Identifier: BSD-2-Clause
/** What a recording holds: which requests of the main thread are inputs of the machine, and what each carries. */
import { LONGEST_FRAME } from '../../../devices/virtio/net-backend.js';
import { HEADER } from '../../../devices/virtio/net-header.js';
import { type CborValue, isMap } from '../../core/cbor.js';
import { StateError } from '../../core/state-error.js';
import { blob, bool, type Field, hostString, list, record, u16, u32, u64 } from '../../core/state-fields.js';
import { vsockRecord } from '../vsock-links.js';

const port = hostString({ max: 128 });
const MOST_FRAMES = 65_536;
const MOST_TYPED = 16 * 1024 * 1024;

/** By the name of the request; the fields are those of its arguments. */
const INPUTS = {
  pressPowerButton: [],
  injectNmi: [],
  type: [port, blob({ max: MOST_TYPED })],
  typeAll: [port, blob({ max: MOST_TYPED })],
  setConsoleOpen: [port, bool()],
  resizeConsole: [port, u16(), u16()],
  receiveFrames: [port, list(blob({ max: LONGEST_FRAME }), { max: MOST_FRAMES })],
  receivePackets: [port, list(blob({ max: LONGEST_FRAME + HEADER }), { max: MOST_FRAMES })],
  linkDown: [port],
  hearVsock: [port, vsockRecord],
  vsockHeard: [port, u32()],
  setBalloon: [u64()],
  linkUp: [port],
} as const satisfies Readonly<Record<string, readonly Field<unknown>[]>>;

export type InputName = keyof typeof INPUTS;

export function isInput(name: string): name is InputName {
  return Object.hasOwn(INPUTS, name);
}

/** An instant between two instructions. */
export const instantField = record({ time: u64({ unit: 'ns' }), instructions: u64() });

export const headField = record({
  start: instantField,
  /** Every setting of the machine by its name, as text. */
  settings: list(record({ name: hostString({ max: 64 }), value: hostString({ max: 65_536 }) }), { max: 64 }),
});

export type Instant = Readonly<ReturnType<typeof instantField.initial>>;

export type Entry = Instant &
  (
    | { readonly name: InputName; readonly given: readonly unknown[] }
    /** Whether the guest stopped by itself, within its last nanosecond, and the digest of all exits. */
    | { readonly name: 'end'; readonly bySelf: boolean; readonly exits: string }
  );

export function savedArguments(name: InputName, given: readonly unknown[]): CborValue[] {
  const fields: readonly Field<unknown>[] = INPUTS[name];
  return fields.map((field, index) => field.save(field.check(given[index], `${name}[${index}]`)));
}

function loadedArguments(name: InputName, saved: readonly CborValue[]): unknown[] {
  const fields: readonly Field<unknown>[] = INPUTS[name];
  return fields.map((field, index) => field.load(saved[index] ?? null, `${name}[${index}]`));
}

/** A record behind the head. */
export function entryOf(saved: CborValue): Entry {
  if (!isMap(saved)) throw new StateError('entry', 'expected a map');
  const { at: savedInstant = null, name, given, exits, bySelf } = saved;
  const instant = instantField.load(savedInstant, 'at');
  if (typeof exits === 'string') return { ...instant, name: 'end', exits, bySelf: bySelf === true };
  if (typeof name !== 'string' || !isInput(name) || !Array.isArray(given)) {
    throw new StateError('entry', 'expected an input or the end');
  }
  return { ...instant, name, given: loadedArguments(name, given) };
}
