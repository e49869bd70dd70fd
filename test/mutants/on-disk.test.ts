// SPDX-License-Identifier: BSD-2-Clause
/** Mutants of a snapshot's files: a value of `state.cbor` is replaced, the digests are made right again. */
import { encode } from '../../src/core/cbor.js';
import type { Machine } from '../../src/machine/machine.js';
import { saveTree } from '../../src/machine/machine-state.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { listedSurvivors } from '../support/listed-survivors.js';
import { MutantTrials, type Way } from '../support/mutant-trials.js';
import { advance, type Evidence, exitHash, finish, type ProofSubject, type SavedMachine } from '../support/proof.js';
import { PROOF_GUESTS, type ProofGuest } from '../support/proof-guests/index.js';
import { replaceState } from '../support/signed-state.js';

const MINUTES = 600_000;

/** From machine to machine through a store. */
class OnDisk implements Way {
  private readonly store = temporaryStore();
  /** The one that stands at the latest cut, until its snapshot is needed. */
  private machine: Machine | null = null;

  *saves(subject: ProofSubject, cuts: readonly bigint[]): Generator<SavedMachine, void> {
    const output: number[] = [];
    const machine = subject.build(output, true);
    try {
      subject.start(machine);
      for (const cut of cuts) {
        advance(machine, cut);
        this.machine = machine;
        const hash = exitHash(machine);
        yield { time: cut, tree: encode(saveTree(machine)), memory: [], disks: [], hash, output: [...output] };
        if (this.machine === null) this.store.remove(nameAt(cut));
      }
    } finally {
      machine.close();
    }
  }

  runFrom(_subject: ProofSubject, saved: SavedMachine, end: bigint, most?: bigint): Evidence {
    const name = nameAt(saved.time);
    if (this.machine !== null) saveMachine(this.machine, this.store, name);
    this.machine = null;
    replaceState(this.store, name, saved.tree);
    const output = [...saved.output];
    const { machine, watch } = loadMachine(this.store, name, {
      host: { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: saved.hash.copy() },
    });
    try {
      const evidence = finish(machine, output, end, most);
      expect(watch?.settle()).toBeNull();
      return evidence;
    } finally {
      machine.close();
    }
  }
}

function nameAt(time: bigint): string {
  return `at-${time}`;
}

const trials = new MutantTrials(new OnDisk());

test.each(PROOF_GUESTS.map((guest): [string, ProofGuest] => [guest.name, guest]))(
  'mutants of %s',
  (_name, guest) => trials.run(guest),
  MINUTES,
);

test('every mutant was noticed, or the table says why not', () => {
  expect(trials.survivors.sort()).toEqual(listedSurvivors('Values'));
});
