// SPDX-License-Identifier: BSD-2-Clause
/** State of a vCPU as JSON: numbers in hex, because JSON's lose bits above 2^53. */
import type { ProcessorState } from '../../machine/inspect.js';

type Value = bigint | readonly bigint[] | Uint8Array;
export type JsonState = Record<string, Record<string, string | string[]>>;

export function jsonState(state: ProcessorState): JsonState {
  return Object.fromEntries(
    Object.entries(state).map(([group, values]) => [
      group,
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, jsonValue(value)])),
    ]),
  );
}

function jsonValue(value: Value): string | string[] {
  if (typeof value === 'bigint') return hexWord(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value.map(hexWord);
}

function hexWord(value: bigint): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}
