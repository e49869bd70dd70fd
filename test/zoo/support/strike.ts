// SPDX-License-Identifier: BSD-2-Clause
/** A known bug, put into a restore on purpose wherever it can strike: the proof must see it there, and only with it. */
import type { CborValue } from '../../../src/core/cbor.js';
import { cutTimes } from '../../support/cut-times.js';
import { isSame } from '../../support/mutant-trials.js';
import {
  type Evidence,
  firstDifference,
  type ProofSubject,
  type Restoring,
  runFrom,
  runTo,
  type SavedMachine,
  savesOf,
} from '../../support/proof.js';
import type { ProofGuest } from '../../support/proof-guests/index.js';
import { proofSubject } from '../../support/proof-subject.js';
import {
  restoringWith,
  runFromWrongly,
  VCPU_STEPS,
  valueIn,
  type Wrong,
  withValue,
} from '../../support/wrong-restores.js';

/** So often the right restore is looked at beside the wrong one. */
const CONTROLS = 3;
const PATIENCE = 200_000n;

export interface Bug extends Wrong {
  /** Where it can strike; everywhere unless this says otherwise. */
  readonly when?: (saved: SavedMachine) => boolean;
}

interface Life {
  readonly subject: ProofSubject;
  readonly end: bigint;
  readonly cuts: readonly bigint[];
  readonly whole: Evidence;
}

/** Found once a guest. */
const lives = new Map<ProofGuest, Life>();

export function expectNoticed(guest: ProofGuest, bug: Bug): void {
  const life = lives.get(guest) ?? lifeOf(proofSubject(guest), guest.end);
  lives.set(guest, life);
  expectNoticedIn(life, bug);
}

/** A life with cuts everywhere. */
function lifeOf(subject: ProofSubject, end: bigint): Life {
  return { subject, end, cuts: cutTimes(subject, end), whole: runTo(subject, end) };
}

export function expectNoticedIn({ subject, end, cuts, whole }: Life, bug: Bug): void {
  const { when = () => true } = bug;
  let strikes = 0;
  for (const saved of savesOf(subject, cuts)) {
    if (!when(saved)) continue;
    strikes += 1;
    if (strikes <= CONTROLS) expect(firstDifference(whole, runFrom(subject, saved, end))).toBeNull();
    const wrong = runFromWrongly(subject, saved, end, bug, whole.instructions + PATIENCE);
    if (wrong === null) throw new Error(`refused at ${saved.time}, where it should go wrong`);
    if (firstDifference(whole, wrong) !== null) return;
  }
  throw new Error(`the bug was put in at ${strikes} places, and nothing came of it`);
}

/** A place in the saved tree, and what a restore with the bug has there. */
export interface Loss {
  readonly path: readonly string[];
  readonly value: CborValue;
}

export const ofDevice = (id: string, field: string, value: CborValue): Loss => ({
  path: ['devices', id, 'fields', ...field.split('.')],
  value,
});
export const ofVcpu = (field: string, value: CborValue): Loss => ({
  path: ['vcpu', 'fields', ...field.split('.')],
  value,
});

/** Of the second vCPU. */
export const ofOther = (field: string, value: CborValue): Loss => ({
  path: ['processors', 'fields', 'others', '0', 'fields', ...field.split('.')],
  value,
});

/** A bug that loses a value; it strikes where the value is another. */
export function losing({ path, value }: Loss): Bug {
  return {
    when: (saved) => !isSame(valueIn(saved, path), value),
    spoil: (saved) => withValue(saved, path, value),
  };
}

/** Some devices are not restored; it strikes where one of them is not as in a new machine. */
export function expectForgotten(guest: ProofGuest, ...lost: string[]): void {
  const [fresh] = [...savesOf({ ...proofSubject(guest), start: () => {} }, [0n])];
  if (fresh === undefined) throw new Error('no fresh machine');
  const path = (id: string): string[] => ['devices', id];
  expectNoticed(guest, {
    when: (saved) => lost.some((id) => !isSame(valueIn(saved, path(id)), valueIn(fresh, path(id)))),
    restoring: withoutDevices(...lost),
  });
}

/** The right restore without some devices. */
export function withoutDevices(...lost: string[]): Restoring {
  return restoringWith(VCPU_STEPS, (ids) => ids.filter((id) => !lost.includes(id)));
}
