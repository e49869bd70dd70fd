// SPDX-License-Identifier: BSD-2-Clause
/** Mutants of what a snapshot says about a disk: each is refused, or the guest finds another disk than it had. */
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { diskMachine, newImages } from '../snapshot/support/disk-subject.js';
import { forgeDisk, savedDisk } from '../snapshot/support/forge.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS } from '../snapshot/support/tick-subject.js';
import { checkContent } from '../support/disk-guest.js';
import { otherValues } from '../support/mutants.js';
import { advance } from '../support/proof.js';

/** Not noticed, and why. */
const SURVIVORS: Readonly<Record<string, string>> = {
  'fields.path': 'where the image was: `rm` looks there, a restore does where the configuration says',
  'fields.point.base.identity.bytes': 'those of the pin count: `tsbhyve disk rebase` may have accepted others',
  'fields.point.base.identity.changed': 'the same',
  'fields.point.base.identity.inode': 'the same',
  'fields.point.base.identity.device': 'told and not compared',
  'fields.point.layers[0].identity.bytes': 'those of the pin count',
  'fields.point.layers[0].identity.changed': 'the same',
  'fields.point.layers[0].identity.inode': 'the same',
  'fields.point.layers[0].identity.device': 'told and not compared',
};

/** Every value of a record, by its path. */
function* values(value: CborValue, path: string): Generator<readonly [string, CborValue]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* values(item, `${path}[${index}]`);
  } else if (isMap(value)) {
    for (const [name, item] of Object.entries(value)) yield* values(item, path === '' ? name : `${path}.${name}`);
  } else {
    yield [path, value];
  }
}

function replaced(value: CborValue, path: string, wanted: string, other: CborValue): CborValue {
  if (path === wanted) return other;
  if (Array.isArray(value)) return value.map((item, index) => replaced(item, `${path}[${index}]`, wanted, other));
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      replaced(item, path === '' ? name : `${path}.${name}`, wanted, other),
    ]),
  );
}

function others(value: CborValue): CborValue[] {
  if (typeof value !== 'string') return otherValues(value);
  return /^[0-9]+$/.test(value) ? [String(BigInt(value) + 1n)] : [`${value}x`, 'read-only', 'image', 'pci-0:4:0'];
}

test('every mutant was noticed, or the table says why not', () => {
  const store = temporaryStore();
  const machine = diskMachine(newImages(1), MS);
  for (const name of ['one', 'two']) {
    advance(machine, machine.time + MS);
    saveMachine(machine, store, name);
  }
  advance(machine, machine.time + MS);
  machine.close();
  const original = savedDisk(store, 'two');
  const isNoticed = (bytes: Uint8Array): boolean => {
    forgeDisk(store, 'two', bytes);
    try {
      const { machine: restored } = loadMachine(store, 'two');
      try {
        checkContent(restored);
        return false;
      } finally {
        restored.close();
      }
    } catch {
      return true;
    }
  };
  expect(isNoticed(original)).toBe(false);
  const tree = decode(original) as CborMap;
  const survivors = [...values(tree, '')].flatMap(([path, value]) => {
    const mutants = others(value).filter((other) => other !== value);
    const living = mutants.filter((other) => !isNoticed(encode(replaced(tree, '', path, other))));
    return living.length > 0 ? [path] : [];
  });
  expect(survivors.sort()).toEqual(Object.keys(SURVIVORS).sort());
});
