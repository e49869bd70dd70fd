// SPDX-License-Identifier: BSD-2-Clause
/** Mutants of the restore itself: its steps in another order, one left out, levels and alarms treated wrongly. */
import { cutTimes } from '../support/cut-times.js';
import { listedSurvivors } from '../support/listed-survivors.js';
import { firstDifference, type ProofSubject, runFrom, runTo, type SavedMachine, savesOf } from '../support/proof.js';
import { PROOF_GUESTS } from '../support/proof-guests/index.js';
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

interface Life {
  readonly subject: ProofSubject;
  readonly end: bigint;
  readonly whole: ReturnType<typeof runTo>;
  readonly saves: readonly SavedMachine[];
}

const lives: Life[] = [];
let survivors: string[] = [];

beforeAll(() => {
  for (const guest of PROOF_GUESTS) {
    const subject = proofSubject(guest);
    const saves = [
      ...savesOf(
        subject,
        cutTimes(subject, guest.end).filter((_, index) => index % 2 === 0),
      ),
    ];
    lives.push({ subject, end: guest.end, whole: runTo(subject, guest.end), saves });
  }
}, MINUTES);

test('the steps as the restore makes them are the restore', () => {
  for (const { subject, end, whole, saves } of lives) {
    for (const saved of saves.filter((_, index) => index % 16 === 0)) {
      const evidence = runFrom(subject, saved, end, undefined, restoringWith(VCPU_STEPS));
      expect(firstDifference(whole, evidence)).toBeNull();
    }
  }
});

function isNoticed(wrong: Wrong): boolean {
  return lives.some(({ subject, end, whole, saves }) =>
    saves.some((saved) => {
      const evidence = runFromWrongly(subject, saved, end, wrong, whole.instructions + PATIENCE);
      return evidence === null || firstDifference(whole, evidence) !== null;
    }),
  );
}

function deviceIds(): string[] {
  return lives.flatMap(({ subject }) => {
    const machine = subject.build([], true);
    const ids = machine.parts.board.devices.map(({ id }) => id);
    machine.close();
    return ids;
  });
}

test(
  'every mutant was noticed, or the table says why not',
  () => {
    const all = new Map(mutants([...new Set(deviceIds())]));
    survivors = [...all].filter(([, wrong]) => !isNoticed(wrong)).map(([name]) => name);
    expect(survivors.sort()).toEqual(listedSurvivors('Restores'));
  },
  MINUTES,
);
