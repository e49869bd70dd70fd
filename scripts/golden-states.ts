// SPDX-License-Identifier: BSD-2-Clause
/**
 * `npm run golden`: keeps one saved state of every kind and version in test/golden, so that every later version can be
 * shown to read it. What is there is never written again.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type CborMap, type CborValue, encode } from '../src/core/cbor.js';
import { type Fields, type SavedState, StateShape } from '../src/core/state-shape.js';
import { packageRoot } from '../src/hypervisor/package-root.js';
import { shapes } from '../src/machine/state-registry.js';
import { arbitraryState } from '../test/support/arbitrary-state.js';

const DRAWN = 200;
const SEED = 1;

/** The first state with one field after the other, or one byte, taken from drawn states where the rules between fields allow. */
function interestingState(shape: StateShape<Fields>): SavedState {
  let state = shape.save(shape.initial());
  const adopt = (fields: CborMap): void => {
    try {
      state = shape.save(shape.load({ ...state, fields: { ...state.fields, ...fields } }));
    } catch {
      // Against a rule: what there is stays.
    }
  };
  for (const drawn of fc.sample(arbitraryState(shape.describe()), { numRuns: DRAWN, seed: SEED })) {
    for (const [name, value] of Object.entries(drawn.fields)) {
      adopt({ [name]: value });
      if (!(value instanceof Uint8Array) || value.length > BYTE_BY_BYTE) continue;
      for (const [at, byte] of value.entries()) adopt({ [name]: withByte(state.fields[name], at, byte) });
    }
    if (
      Object.entries(shape.save(shape.initial()).fields).every(([name, first]) => !equal(first, state.fields[name]))
    ) {
      break;
    }
  }
  return state;
}

/** Such as configuration space, most of whose bytes have a rule. */
const BYTE_BY_BYTE = 256;

function withByte(bytes: CborValue | undefined, at: number, byte: number): CborValue {
  if (!(bytes instanceof Uint8Array) || at >= bytes.length) return bytes ?? null;
  const copy = bytes.slice();
  copy[at] = byte;
  return copy;
}

function equal(a: CborValue, b: CborValue | undefined): boolean {
  return b !== undefined && Buffer.from(encode(a)).equals(encode(b));
}

for (const shape of shapes) {
  const path = join(packageRoot(), `test/golden/${shape.kind}.v${shape.version}.cbor`);
  if (existsSync(path)) continue;
  if (!(shape instanceof StateShape)) throw new Error(`${shape.kind}: expected a StateShape`);
  writeFileSync(path, encode(interestingState(shape)));
  console.log(`wrote ${path}`);
}
