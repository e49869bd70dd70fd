// SPDX-License-Identifier: BSD-2-Clause
import fc from 'fast-check';
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import type { AnyDevice } from '../../src/core/device.js';
import { StateError } from '../../src/core/state-error.js';
import type { FieldDescription } from '../../src/core/state-fields.js';
import type { SavedState } from '../../src/core/state-shape.js';
import { arbitraryState } from '../support/arbitrary-state.js';
import { hiddenState, injectedMembers } from '../support/reflection.js';
import { Rig } from '../support/rig.js';

export interface ContractOptions<D> {
  /** Drives the device, as a guest would, into a state that differs from the first one. */
  operate?(device: D, rig: Rig): void;
  /** Members that look like hidden state but are not, each with the reason. */
  readonly notState?: Readonly<Record<string, string>>;
}

/**
 * What holds for every device. `make` is called often; it should wire the device to the rig it is given (or ignore
 * the rig, if the device has no wires).
 */
export function deviceContract<D extends AnyDevice>(
  name: string,
  make: (rig: Rig) => D,
  options: ContractOptions<D> = {},
): void {
  const build = (now?: bigint): { rig: Rig; device: D } => {
    const rig = new Rig(now);
    return { rig, device: make(rig) };
  };
  const operated = (): { rig: Rig; device: D } => {
    const made = build();
    options.operate?.(made.device, made.rig);
    return made;
  };

  describe(`${name}: device contract`, () => {
    if (options.operate !== undefined) {
      test('the driven device differs from a fresh one', () => {
        const driven = encode(quietState(operated().device));
        expect(driven).not.toEqual(encode(quietState(build().device)));
      });
    }

    test('save, load and save give identical bytes', () => {
      const { rig, device } = operated();
      const first = encode(quietState(device));
      const other = build(rig.clock.now()).device;
      other.deserialize(decode(first));
      expect(encode(quietState(other))).toEqual(first);
    });

    test('a saved state is a copy', () => {
      const { rig, device } = operated();
      const saved = quietState(device);
      const before = encode(saved);
      device.resume();
      device.reset();
      options.operate?.(device, rig);
      expect(encode(saved)).toEqual(before);
    });

    test('a reset gives a fresh device, apart from what it keeps', () => {
      const { rig, device } = operated();
      device.reset();
      const fresh = build(rig.clock.now()).device;
      const { fields } = device.shape.describe();
      expect(withoutKept(quietState(device).fields, fields)).toEqual(withoutKept(quietState(fresh).fields, fields));
    });

    test('a restore adopts levels and causes no edge and no output', () => {
      const saved = quietState(operated().device);
      const { rig, device } = build();
      for (const line of rig.lines) line.forget();
      rig.effects.length = 0;
      device.deserialize(saved);
      expect(rig.setCalls).toBe(0);
      expect(rig.effects).toEqual([]);
    });

    test('a restore leaves every line at the level the saved device drove', () => {
      const { rig, device } = operated();
      const { rig: other, device: copy } = build(rig.clock.now());
      copy.deserialize(quietState(device));
      expect(other.lines.map((line) => line.level)).toEqual(rig.lines.map((line) => line.level));
    });

    test.each(Object.entries(spoilers))('refuses %s and keeps its state', (_, spoil) => {
      const { device } = operated();
      const before = encode(quietState(device));
      const spoiled = spoil(decode(before) as SavedState); // what `encode` was given a moment ago
      if (spoiled === undefined) return;
      expect(() => device.deserialize(spoiled)).toThrow(StateError);
      expect(() => device.deserialize(spoiled)).toThrow(device.id);
      expect(encode(quietState(device))).toEqual(before);
    });

    test('whatever a snapshot file says is restored exactly, or refused by name', () => {
      const shape = build().device.shape.describe();
      fc.assert(
        fc.property(arbitraryState(shape), (saved) => {
          const { device } = build();
          try {
            device.deserialize(saved);
          } catch (error) {
            expect(error).toBeInstanceOf(StateError);
            return;
          }
          expect(encode(quietState(device))).toEqual(encode(saved));
        }),
        { numRuns: 50, seed: 1 },
      );
    });

    test('all that changes is in the declared state', () => {
      const { rig, device } = build();
      const members = injectedMembers(device);
      options.operate?.(device, rig);
      device.deserialize(quietState(device));
      device.resume();
      device.reset();
      expect([...injectedMembers(device).keys()]).toEqual([...members.keys()]);
      for (const [member, value] of injectedMembers(device)) {
        expect({ member, same: Object.is(value, members.get(member)) }).toEqual({ member, same: true });
        if (options.notState?.[member] !== undefined) continue;
        expect({ member, hides: hiddenState(value) }).toEqual({ member, hides: undefined });
      }
    });
  });
}

const spoilers: Record<string, (saved: SavedState) => CborValue | undefined> = {
  'an unknown field': (saved) => ({ ...saved, fields: { ...saved.fields, noSuchField: 0 } }),
  'a missing field': (saved) => {
    const [first] = Object.keys(saved.fields);
    if (first === undefined) return undefined;
    const { [first]: _, ...others } = saved.fields;
    return { ...saved, fields: others };
  },
  'a newer version': (saved) => ({ ...saved, version: saved.version + 1 }),
  'another kind': (saved) => ({ ...saved, kind: `not-${saved.kind}` }),
  'an unknown part beside the fields': (saved) => ({ ...saved, extra: 0 }),
  'a field of the wrong type': (saved) => {
    const [first] = Object.keys(saved.fields);
    if (first === undefined) return undefined;
    return { ...saved, fields: { ...saved.fields, [first]: { wrong: true } } };
  },
  'something that is not a map': () => [],
};

function quietState(device: AnyDevice): SavedState {
  device.pause();
  return device.serialize();
}

/** The fields that a reset sets to their first values. */
function withoutKept(saved: CborMap, fields: Readonly<Record<string, FieldDescription>>): CborMap {
  const rest: CborMap = {};
  for (const [name, value] of Object.entries(saved)) {
    const field = fields[name];
    if (field !== undefined && field.keepOnReset !== true) rest[name] = withoutKeptParts(value, field);
  }
  return rest;
}

function withoutKeptParts(value: CborValue, field: FieldDescription): CborValue {
  if (field.shape !== undefined && isMap(value) && isMap(value.fields)) {
    return { ...value, fields: withoutKept(value.fields, field.shape.fields) };
  }
  if (field.fields !== undefined && isMap(value)) return withoutKept(value, field.fields);
  const { element } = field;
  if (element !== undefined && Array.isArray(value)) return value.map((item) => withoutKeptParts(item, element));
  return value;
}
