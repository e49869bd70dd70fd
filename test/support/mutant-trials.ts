// SPDX-License-Identifier: BSD-2-Clause
/** Each value of a saved machine is replaced, and the proof asked whether it notices. */
import { type CborMap, type CborValue, decode, encode, isMap } from '../../src/core/cbor.js';
import { cutTimes } from './cut-times.js';
import { otherValues, type Place, places } from './mutants.js';
import {
  type Evidence,
  firstDifference,
  type ProofSubject,
  runFrom,
  runTo,
  type SavedMachine,
  savesOf,
} from './proof.js';
import type { ProofGuest } from './proof-guests/index.js';
import { proofSubject } from './proof-subject.js';

/** A mutant that stays unnoticed is tried so often with each value that one guest gives its place, and in all. */
const TRIES_A_VALUE = 2;
const TRIES = 24;
/** A mutant may run away; this many more instructions than it should have needed are enough to know. */
const PATIENCE = 200_000n;
/** Mutants are looked at twice: an instruction after the restore, and at the guest's end. */
const SOON = 1n;

type Kind = 'dropped' | 'changed';

/** How a machine is saved, and how it goes on from a save that was spoilt. */
export interface Way {
  saves(subject: ProofSubject, cuts: readonly bigint[]): Iterable<SavedMachine>;
  runFrom(subject: ProofSubject, saved: SavedMachine, end: bigint, most?: bigint): Evidence;
}

/** From machine to machine within this process. */
export const inProcess: Way = { saves: savesOf, runFrom };

/** All mutants of all guests. */
export class MutantTrials {
  /** Which mutants have not been noticed yet; every value gets both. */
  private readonly alive = new Map<string, boolean>();
  private readonly attempts = new Map<string, number>();

  constructor(private readonly way: Way) {}

  run(guest: ProofGuest): void {
    new Trial(guest, this.way, this.alive, this.attempts).run();
  }

  get survivors(): string[] {
    return [...this.alive].filter(([, isAlive]) => isAlive).map(([name]) => name);
  }
}

class Trial {
  private readonly subject: ProofSubject;
  private readonly whole: Evidence;
  private readonly fresh: CborMap;
  private latest: { readonly saved: SavedMachine; readonly evidence: Evidence } | undefined;

  constructor(
    private readonly guest: ProofGuest,
    private readonly way: Way,
    private readonly alive: Map<string, boolean>,
    private readonly attempts: Map<string, number>,
  ) {
    this.subject = proofSubject(guest);
    this.whole = runTo(this.subject, guest.end);
    const [first] = [...savesOf({ ...this.subject, start: () => {} }, [0n])];
    this.fresh = treeOf(first);
  }

  run(): void {
    for (const saved of this.way.saves(this.subject, cutTimes(this.subject, this.guest.end))) {
      const tree = treeOf(saved);
      for (const place of places(tree)) {
        if (place.isIn(this.fresh)) this.mutate(place, 'dropped', saved, tree);
        this.mutate(place, 'changed', saved, tree);
      }
    }
  }

  private mutate(place: Place, kind: Kind, saved: SavedMachine, tree: CborMap): void {
    const name = `${place.name} ${kind}`;
    if (this.alive.get(name) === false) return;
    this.alive.set(name, true);
    const value = place.get(tree);
    const values = kind === 'dropped' ? [place.get(this.fresh)] : otherValues(value);
    if (kind === 'dropped' && values.every((initial) => isSame(value, initial))) return;
    if (!this.isWorthATry(name, `${this.guest.name} ${textOf(value)}`)) return;
    this.alive.set(name, this.survives(place, saved, values));
  }

  private isNoticed(mutant: SavedMachine, right: Evidence, end: bigint): boolean {
    const most = this.whole.instructions + PATIENCE;
    return firstDifference(right, this.way.runFrom(this.subject, mutant, end, most)) !== null;
  }

  /** What comes of an unspoilt save soon; the same for all mutants of it. */
  private soon(saved: SavedMachine): Evidence {
    if (this.latest?.saved !== saved) {
      this.latest = { saved, evidence: this.way.runFrom(this.subject, saved, saved.time + SOON) };
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

  private isWorthATry(name: string, occasion: string): boolean {
    const valueName = `${name} ${occasion}`;
    const [ofValue, inAll] = [this.attempts.get(valueName) ?? 0, this.attempts.get(name) ?? 0];
    if (ofValue >= TRIES_A_VALUE || inAll >= TRIES) return false;
    this.attempts.set(valueName, ofValue + 1);
    this.attempts.set(name, inAll + 1);
    return true;
  }
}

function textOf(value: CborValue): string {
  return Buffer.from(encode(value)).toString('latin1');
}

/** A copy. */
export function treeOf(saved: SavedMachine | undefined): CborMap {
  const tree = decode(saved?.tree ?? new Uint8Array());
  if (!isMap(tree)) throw new Error('the tree is no map');
  return tree;
}

export function isSame(one: CborValue, other: CborValue): boolean {
  return one === other || Buffer.compare(encode(one), encode(other)) === 0;
}
