// SPDX-License-Identifier: BSD-2-Clause
/**
 * Whether what a device has in its state is needed: its life is led again and again, each time with one value that a
 * restore on the way has changed, and somebody outside must notice.
 */
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import type { AnyDevice } from '../../src/core/device.js';
import { otherValues } from './mutants.js';

export interface Life {
  readonly device: AnyDevice;
  /** Each does something, and answers all that can be seen from outside. */
  readonly steps: readonly (() => unknown)[];
}

export interface MutantOptions {
  /** Fields that others prove. */
  readonly ignored: readonly string[];
  /** What texts may say. */
  readonly choices?: readonly string[];
}

type Path = readonly (string | number)[];

/** Names of the fields in which no change was noticed, whenever it was made. `begin` starts the same life every time. */
export function unnoticed(begin: () => Life, { ignored, choices = [] }: MutantOptions): string[] {
  const right = traces(begin());
  const noticed = new Map<string, boolean>();
  for (let cut = 0; cut < right.length; cut += 1) {
    const state = stateAt(begin, cut);
    for (const path of paths(state, ignored)) {
      const name = path.map((key) => (typeof key === 'number' ? '[]' : key)).join('.');
      if (noticed.get(name) === true) continue;
      const values = others(valueAt(state, path), choices);
      const isNoticed = values.some((value) => differs(begin, cut, path, value, right));
      noticed.set(name, isNoticed);
    }
  }
  return [...noticed].filter(([, isNoticed]) => !isNoticed).map(([name]) => name);
}

function differs(begin: () => Life, cut: number, path: Path, value: CborValue, right: readonly string[]): boolean {
  const life = begin();
  for (const step of life.steps.slice(0, cut)) step();
  const saved = decode(encode(life.device.serialize())) as CborMap; // what was saved is a map
  setAt(saved, ['fields', ...path], value);
  try {
    life.device.deserialize(saved);
  } catch {
    return false; // refused: that shows nothing about its use
  }
  return traces({ ...life, steps: life.steps.slice(cut) }).some((trace, index) => trace !== right[cut + index]);
}

function traces({ steps }: Life): string[] {
  return steps.map((step) => {
    try {
      return JSON.stringify(step(), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    } catch (error) {
      return String(error);
    }
  });
}

function others(value: CborValue, choices: readonly string[]): CborValue[] {
  return typeof value === 'string' ? choices.filter((choice) => choice !== value) : otherValues(value);
}

function stateAt(begin: () => Life, cut: number): CborMap {
  const life = begin();
  for (const step of life.steps.slice(0, cut)) step();
  return life.device.serialize().fields;
}

function paths(value: CborValue, ignored: readonly string[], path: Path = []): Path[] {
  const inner = Array.isArray(value) ? [...value.entries()] : isMap(value) ? Object.entries(value) : null;
  if (inner === null) return [path];
  return inner.flatMap(([key, part]) => (ignored.includes(String(key)) ? [] : paths(part, ignored, [...path, key])));
}

function valueAt(value: CborValue, path: Path): CborValue {
  return path.reduce<CborValue>((part, key) => {
    const next = Array.isArray(part) ? part[Number(key)] : isMap(part) ? part[key] : undefined;
    if (next === undefined) throw new Error(`nothing at ${path.join('.')}`);
    return next;
  }, value);
}

function setAt(tree: CborMap, path: Path, value: CborValue): void {
  const owner = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(owner)) owner[Number(last)] = value;
  else if (isMap(owner)) owner[last] = value;
}
