// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import type { CborMap, CborValue } from '../../src/core/cbor.js';
import type { FieldDescription, ShapeDescription } from '../../src/core/state-fields.js';
import type { SavedState } from '../../src/core/state-shape.js';

/** Saved states in which every field is legal by itself; rules between fields may still be broken. */
export function arbitraryState(shape: ShapeDescription): fc.Arbitrary<SavedState> {
  return arbitraryFields(shape.fields).map((fields) => ({ kind: shape.kind, version: shape.version, fields }));
}

function arbitraryFields(fields: Readonly<Record<string, FieldDescription>>): fc.Arbitrary<CborMap> {
  return fc.record(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, arbitraryField(field)])));
}

function arbitraryField(field: FieldDescription): fc.Arbitrary<CborValue> {
  const { min, max, mask, length, maxLength = length ?? 0, values = [], element, fields = {}, shape } = field;
  if (min !== undefined && max !== undefined) {
    const bits = mask === undefined ? -1n : BigInt(mask);
    return fc.bigInt(BigInt(min), BigInt(max)).map((value) => number(value & bits));
  }
  if (shape !== undefined) return arbitraryState(shape);
  switch (field.type) {
    case 'bool':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...values);
    case 'hostString':
      return fc.string({ maxLength });
    case 'record':
      return arbitraryFields(fields);
    case 'bytes':
    case 'blob':
    case 'byteList':
      return fc.uint8Array({ minLength: length ?? 0, maxLength });
  }
  if (element === undefined) throw new Error(`no generator for fields of type ${field.type}`);
  const item = arbitraryField(element);
  if (field.type === 'optional') return fc.option(item);
  return fc.array(item, { minLength: length ?? 0, maxLength });
}

/** The form that CBOR gives back. */
function number(value: bigint): CborValue {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}
