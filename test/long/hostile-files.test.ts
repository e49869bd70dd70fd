// SPDX-License-Identifier: BSD-2-Clause
/** Hostile snapshots in great number: every byte of the small files, much of memory, and states with right digests. Uses dist. */
import { join } from 'node:path';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { SnapshotError } from '../../src/snapshot/snapshot-error.js';
import { verifySnapshot } from '../../src/snapshot/verify-snapshot.js';
import { overwrite } from '../snapshot/support/forge.js';
import { fileIn, temporaryStore } from '../snapshot/support/temporary-store.js';
import { savedTick } from '../snapshot/support/tick-subject.js';
import { tryHostile } from '../snapshot/support/try-hostile.js';
import { randomNumbers, testSeed } from '../support/random.js';

const TRIALS = 5000;
const MEMORY_BYTES = 10_000;
const MEMORY_CUTS = 500;
const seed = testSeed();
const store = temporaryStore();
beforeAll(() => savedTick(store, 'one'));

/** Reads all of the snapshot with another file in it, and expects a refusal that names the file. */
function expectRefusal(file: string, bytes: Uint8Array): void {
  overwrite(join(store.root, 'one', file), bytes);
  let failure: unknown = null;
  try {
    verifySnapshot(store, 'one');
  } catch (error) {
    failure = error;
  }
  if (!(failure instanceof SnapshotError) || !failure.message.includes(`one/${file}`)) {
    throw new Error(`${file} was not refused: ${String(failure)}`);
  }
}

describe.each(['manifest.json', 'state.cbor', 'index.cbor'])('%s', (file) => {
  let original: Buffer;
  beforeAll(() => {
    original = fileIn(store, `one/${file}`);
  });
  afterAll(() => overwrite(join(store.root, 'one', file), original));

  test('every byte changed, in several ways', () => {
    for (const at of original.keys()) {
      for (const change of [0x01, 0x20, 0x80, 0xff]) {
        const bytes = Buffer.from(original);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expectRefusal(file, bytes);
      }
    }
  });

  test('every length', () => {
    for (const end of original.keys()) expectRefusal(file, original.subarray(0, end));
    expectRefusal(file, Buffer.concat([original, Buffer.of(0)]));
  });
});

test(`memory: ${MEMORY_BYTES} bytes changed (seed ${seed})`, () => {
  const random = randomNumbers(seed);
  const original = fileIn(store, 'one/ram');
  const bytes = Buffer.from(original);
  for (let count = 0; count < MEMORY_BYTES; count += 1) {
    const at = Math.floor(random() * bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    expectRefusal('ram', bytes);
    bytes[at] = original[at] ?? 0;
  }
  overwrite(join(store.root, 'one/ram'), original);
});

test(`memory: ${MEMORY_CUTS} lengths (seed ${seed})`, () => {
  const random = randomNumbers(seed);
  const original = fileIn(store, 'one/ram');
  for (let count = 0; count < MEMORY_CUTS; count += 1) {
    expectRefusal('ram', original.subarray(0, Math.floor(random() * original.length)));
    expect(() => loadMachine(store, 'one')).toThrow(SnapshotError);
  }
  overwrite(join(store.root, 'one/ram'), original);
});

test.each(['fields', 'devices', 'vcpu', 'all'])(`${TRIALS} states with spoiled %s (seed ${seed})`, (kind) => {
  const outcomes = tryHostile(kind, seed, TRIALS);
  expect(outcomes.ran).toBeGreaterThan(TRIALS / 50);
  expect(outcomes.refused).toBeGreaterThan(0);
});
