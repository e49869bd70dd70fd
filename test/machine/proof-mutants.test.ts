// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof of the proof: each value of a saved machine is replaced, once by what a new machine has in its place (as a
 * restore that forgets it would) and once by something else. The proof must notice, or docs/proof-survivors.md says why not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import { packageRoot } from '../../src/hypervisor/package-root.js';
import { cutTimes } from '../support/cut-times.js';
import { otherValues, type Place, places } from '../support/mutants.js';
import {
  type Evidence,
  firstDifference,
  type ProofSubject,
  runFrom,
  runTo,
  type SavedMachine,
  savesOf,
} from '../support/proof.js';
import { PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';

/** A mutant that stays unnoticed is tried so often with each value that one guest gives its place, and in all. */
const TRIES_A_VALUE = 2;
const TRIES = 24;
/** A mutant may run away; this many more instructions than it should have needed are enough to know. */
const PATIENCE = 200_000n;
const MINUTE = 60_000;
/** Mutants are looked at twice: an instruction after the restore, and at the guest's end. */
const SOON = 1n;

type Kind = 'dropped' | 'changed';

/** Which mutants have not been noticed yet; every value gets both. */
const alive = new Map<string, boolean>();
const attempts = new Map<string, number>();

class Trial {
  private readonly subject: ProofSubject;
  private readonly whole: Evidence;
  private readonly fresh: CborMap;
  private latest: { readonly saved: SavedMachine; readonly evidence: Evidence } | undefined;

  constructor(private readonly guest: ProofGuest) {
    this.subject = proofSubject(guest);
    this.whole = runTo(this.subject, guest.end);
    const [first] = [...savesOf({ ...this.subject, start: () => {} }, [0n])];
    this.fresh = treeOf(first);
  }

  run(): void {
    for (const saved of savesOf(this.subject, cutTimes(this.subject, this.guest.end))) {
      const tree = treeOf(saved);
      for (const place of places(tree)) {
        this.mutate(place, 'dropped', saved, tree);
        this.mutate(place, 'changed', saved, tree);
      }
    }
  }

  private mutate(place: Place, kind: Kind, saved: SavedMachine, tree: CborMap): void {
    const name = `${place.name} ${kind}`;
    if (alive.get(name) === false) return;
    alive.set(name, true);
    const value = place.get(tree);
    const initial = place.get(this.fresh);
    if (kind === 'dropped' && same(value, initial)) return;
    if (!isWorthATry(name, `${this.guest.name} ${textOf(value)}`)) return;
    const values = kind === 'dropped' ? [initial] : otherValues(value);
    alive.set(name, this.survives(place, saved, values));
  }

  private isNoticed(mutant: SavedMachine, right: Evidence, end: bigint): boolean {
    const most = this.whole.instructions + PATIENCE;
    return firstDifference(right, runFrom(this.subject, mutant, end, most)) !== null;
  }

  /** What comes of an unspoilt save soon; the same for all mutants of it. */
  private soon(saved: SavedMachine): Evidence {
    if (this.latest?.saved !== saved) {
      this.latest = { saved, evidence: runFrom(this.subject, saved, saved.time + SOON) };
    }
    return this.latest.evidence;
  }

  /** The first value that is not refused decides; if all are, that is noticing, too. */
  private survives(place: Place, saved: SavedMachine, values: readonly CborValue[]): boolean {
    for (const value of values) {
      const tree = treeOf(saved);
      place.set(tree, value);
      const mutant = { ...saved, tree: encode(tree) };
      try {
        return (
          !this.isNoticed(mutant, this.soon(saved), saved.time + SOON) &&
          !this.isNoticed(mutant, this.whole, this.guest.end)
        );
      } catch {}
    }
    return false;
  }
}

function textOf(value: CborValue): string {
  return Buffer.from(encode(value)).toString('latin1');
}

function isWorthATry(name: string, occasion: string): boolean {
  const valueName = `${name} ${occasion}`;
  const [ofValue, inAll] = [attempts.get(valueName) ?? 0, attempts.get(name) ?? 0];
  if (ofValue >= TRIES_A_VALUE || inAll >= TRIES) return false;
  attempts.set(valueName, ofValue + 1);
  attempts.set(name, inAll + 1);
  return true;
}

function treeOf(saved: SavedMachine | undefined): CborMap {
  const tree = decode(saved?.tree ?? new Uint8Array());
  if (!isMap(tree)) throw new Error('the tree is no map');
  return tree;
}

function same(one: CborValue, other: CborValue): boolean {
  return one === other || Buffer.compare(encode(one), encode(other)) === 0;
}

/** The first column of the table, without its head. */
function listedSurvivors(): string[] {
  const text = readFileSync(join(packageRoot(), 'docs/proof-survivors.md'), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
}

test.each(PROOF_GUESTS.map((guest): [string, ProofGuest] => [guest.name, guest]))(
  'mutants of %s',
  (_name, guest) => new Trial(guest).run(),
  MINUTE,
);

test('every mutant was noticed, or the table says why not', () => {
  const survivors = [...alive].filter(([, isAlive]) => isAlive).map(([name]) => name);
  expect(survivors.sort()).toEqual(listedSurvivors().sort());
});
