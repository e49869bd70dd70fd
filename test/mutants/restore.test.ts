// SPDX-License-Identifier: BSD-2-Clause
/** Mutants of the restore itself: its steps in another order, one left out, levels and alarms treated wrongly. */
import { cutTimes } from '../support/cut-times.js';
import { listedSurvivors } from '../support/listed-survivors.js';
import { firstDifference, runFrom, runTo, savesOf } from '../support/proof.js';
import { ATTACHED_GUESTS, PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';
import {
  nothingAdopted,
  restoringWith,
  runFromWrongly,
  setInsteadOfAdopt,
  VCPU_STEPS,
  type VcpuStep,
  type Wrong,
  withoutAlarms,
} from '../support/wrong-restores.js';

const MINUTES = 600_000;
const PATIENCE = 200_000n;
/** Of each guest. */
const CUTS = 40;

/** The steps with `later` moved to just before `earlier`. */
function swapped(earlier: VcpuStep, later: VcpuStep): VcpuStep[] {
  const others = VCPU_STEPS.filter((step) => step !== later);
  const at = others.indexOf(earlier);
  return [...others.slice(0, at), later, ...others.slice(at)];
}

const pairs = VCPU_STEPS.flatMap((earlier, index) =>
  VCPU_STEPS.slice(index + 1).map((later) => [earlier, later] as const),
);

function mutants(deviceIds: readonly string[]): [string, Wrong][] {
  return [
    ...pairs.map(([earlier, later]): [string, Wrong] => [
      `${later} before ${earlier}`,
      { restoring: restoringWith(swapped(earlier, later)) },
    ]),
    ...VCPU_STEPS.map((left): [string, Wrong] => [
      `without ${left}`,
      { restoring: restoringWith(VCPU_STEPS.filter((step) => step !== left)) },
    ]),
    ['devices in the opposite order', { restoring: restoringWith(VCPU_STEPS, (ids) => [...ids].reverse()) }],
    ...deviceIds.map((left): [string, Wrong] => [
      `without ${left}`,
      { restoring: restoringWith(VCPU_STEPS, (ids) => ids.filter((id) => id !== left)) },
    ]),
    ['levels set', setInsteadOfAdopt],
    ['levels not adopted', nothingAdopted],
    ...['pit', 'rtc', 'hpet', 'com1', 'com2', 'com1-input', 'com2-input'].map((id): [string, Wrong] => [
      `no alarm of ${id}`,
      withoutAlarms(id),
    ]),
  ];
}

/** What is still unnoticed. */
const alive = new Map<string, Wrong>();

beforeAll(() => {
  const ids = [...PROOF_GUESTS, ...ATTACHED_GUESTS].flatMap((guest) => {
    const machine = proofSubject(guest).build([], true);
    machine.close();
    return machine.parts.board.devices.map(({ id }) => id);
  });
  for (const [name, wrong] of mutants([...new Set(ids)])) alive.set(name, wrong);
});

test.each([...PROOF_GUESTS, ...ATTACHED_GUESTS].map((guest): [string, ProofGuest] => [guest.name, guest]))(
  'mutants of %s',
  (_name, guest) => {
    const subject = proofSubject(guest);
    const whole = runTo(subject, guest.end);
    const all = cutTimes(subject, guest.end);
    const cuts = all.filter((_, index) => index % Math.ceil(all.length / CUTS) === 0);
    for (const saved of savesOf(subject, cuts)) {
      const right = runFrom(subject, saved, guest.end, undefined, restoringWith(VCPU_STEPS));
      expect(firstDifference(whole, right)).toBeNull();
      for (const [name, wrong] of alive) {
        const evidence = runFromWrongly(subject, saved, guest.end, wrong, whole.instructions + PATIENCE);
        if (evidence === null || firstDifference(whole, evidence) !== null) alive.delete(name);
      }
    }
  },
  MINUTES,
);

test('every mutant was noticed, or the table says why not', () => {
  expect([...alive.keys()].sort()).toEqual(listedSurvivors('Restores'));
});
