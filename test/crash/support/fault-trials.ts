// SPDX-License-Identifier: BSD-2-Clause
/**
 * A process under the shim: it does something to a store again and again while each call in turn fails, `<errno> <manner>
 * <store>`. It prints a line for every promise that is broken then, and at last how many faults there were.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Machine } from '../../../src/machine/machine.js';
import { runUntil } from '../../../src/machine/run.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { flattenSnapshot } from '../../../src/snapshot/flatten-snapshot.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { ResumedMachine } from '../../../src/snapshot/resumed-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotError } from '../../../src/snapshot/snapshot-error.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { roleOf } from '../../../src/snapshot/suspend-use.js';
import { verifySnapshot } from '../../../src/snapshot/verify-snapshot.js';
import { MS, tickMachine } from '../../snapshot/support/tick-subject.js';

const ADDRESS = 0x12_3000;
const CALLS_MAX = 500;
/** How Node and the C library name the errors. */
const TEXT = /^[^\n]*(ENOSPC|No space left on device|EIO|Input\/output error)[^\n]*$/;
const { CRASH_SHIM_FAULT: faults = '', CRASH_SHIM_LOG: log = '' } = process.env;
const [, , error = '', manner = '', root = ''] = process.argv;

const machine = tickMachine(MS);
const opened = (): SnapshotStore => new SnapshotStore(root);
const names = (): string[] =>
  opened()
    .list()
    .map(({ name }) => name);

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/**
 * When nothing works any more, not even taking a rename back or removing a draft, a snapshot may be whole and reported as
 * failed, and a draft stays until its process has ended and the store is opened again.
 */
const isHopeless = manner === 'always';

function expectReport(name: string, isThere: boolean): void {
  expect(isHopeless || names().includes(name) === isThere, `${name} is reported to be ${isThere ? 'there' : 'gone'}`);
}

function expectToRun(running: Machine): void {
  const before = running.instructions;
  running.resume();
  runUntil(running, running.time + MS);
  expect(running.instructions > before, 'the guest stands still');
  running.pause();
}

/** Something done to a store: `work` may fail, and `examine` looks at what there is afterwards. */
interface Trial {
  prepare(): void;
  work(): void;
  examine(failed: boolean): void;
}

function saving(): Trial {
  return {
    prepare: () => {},
    work: () => saveMachine(machine, opened(), 'full'),
    examine: (failed) => {
      expectReport('full', !failed);
      expectToRun(machine);
      if (!names().includes('full')) saveMachine(machine, opened(), 'full');
    },
  };
}

function savingChanges(): Trial {
  let changes: ChangeLog;
  let value = 0;
  return {
    prepare: () => {
      changes = new ChangeLog(machine, saveMachine(machine, opened(), 'base'));
      value = (value + 1) % 256;
      machine.parts.engine.memory.writeU8(ADDRESS, value);
    },
    work: () => saveMachine(machine, opened(), 'child', { changes }),
    examine: (failed) => {
      expectReport('child', !failed);
      if (!names().includes('child')) saveMachine(machine, opened(), 'child', { changes });
      changes.close();
      const loaded = loadMachine(opened(), 'child');
      expect(loaded.machine.parts.engine.memory.readU8(ADDRESS) === value, 'a changed page is lost');
      loaded.watch?.settle();
      loaded.machine.close();
    },
  };
}

function flattening(): Trial {
  return {
    prepare: () => {
      const changes = new ChangeLog(machine, saveMachine(machine, opened(), 'base'));
      saveMachine(machine, opened(), 'child', { changes });
      changes.close();
    },
    work: () => flattenSnapshot(opened(), 'child', 'flat'),
    examine: (failed) => {
      expectReport('flat', !failed);
      if (!names().includes('flat')) flattenSnapshot(opened(), 'child', 'flat');
    },
  };
}

function removing(): Trial {
  return {
    prepare: () => saveMachine(machine, opened(), 'base'),
    work: () => opened().remove('base'),
    examine: (failed) => {
      expectReport('base', failed);
    },
  };
}

function resuming(): Trial {
  let warnings: string[] = [];
  let resumed: ResumedMachine | null = null;
  return {
    prepare: () => {
      warnings = [];
      saveMachine(machine, opened(), 'suspend', { kind: 'suspend' });
    },
    work: () => {
      resumed = null;
      resumed = ResumedMachine.load({ store: root, name: 'suspend', keep: false, overrides: {} }, {});
      resumed.machine.resume();
      for (let round = 0; round < 50; round += 1) {
        expect(resumed.poll((line) => warnings.push(line)) === null, 'the machine is to stop');
        runUntil(resumed.machine, resumed.machine.time + MS / 10n);
      }
      resumed.machine.pause();
    },
    examine: (failed) => {
      const kept = failed || warnings.length > 0;
      for (const line of warnings) expect(/^suspend: [^\n]+; it is spent, and .*$/.test(line), `warned of ${line}`);
      expectReport('suspend', kept);
      if (kept && names().includes('suspend')) {
        const role = failed ? 'suspend' : 'spent';
        expect(isHopeless || roleOf(opened().open('suspend')) === role, `the suspend is not ${role}`);
      }
      if (resumed === null) return;
      expectToRun(resumed.machine);
      resumed.machine.close();
    },
  };
}

const TRIALS = { saving, savingChanges, flattening, removing, resuming };

let generation = 0;

function ask(fault: string): void {
  generation += 1;
  writeFileSync(log, '');
  writeFileSync(faults, `${generation} ${fault}`);
}

function attempt(work: () => void): Error | null {
  try {
    work();
    return null;
  } catch (failure) {
    return failure as Error;
  }
}

function examineStore(): void {
  const store = opened();
  for (const entry of store.list()) {
    if ('problem' in entry) throw entry.problem;
    verifySnapshot(store, entry.name);
  }
  const rest = readdirSync(root).filter((name) => name.startsWith('.') && !(isHopeless && name.startsWith('.draft')));
  expect(rest.length === 0, `${rest.join(', ')} is left over`);
}

/** False when no call was left to fail. */
function isTried(trial: Trial, call: number): boolean {
  ask('0 0 once');
  rmSync(root, { recursive: true, force: true });
  trial.prepare();
  ask(`${call} ${constants.errno[error as 'EIO']} ${manner}`); // the test names an errno
  const failure = attempt(() => trial.work());
  const wasFault = readFileSync(log, 'utf8').includes('fault');
  ask('0 0 once');
  if (failure !== null) {
    expect(failure instanceof SnapshotError, `not a SnapshotError: ${failure.stack}`);
    expect(TEXT.test(failure.message), `said ${failure.message}`);
    expect(wasFault, `failed by itself: ${failure.message}`);
  }
  examineStore();
  trial.examine(failure !== null);
  examineStore();
  return wasFault;
}

let faultsMade = 0;
for (const [what, make] of Object.entries(TRIALS)) {
  for (let call = 1; call < CALLS_MAX; call += 1) {
    try {
      if (!isTried(make(), call)) break;
    } catch (problem) {
      console.log(`${what}, ${error} in call ${call} (${manner}): ${(problem as Error).message}`);
    }
    faultsMade += 1;
  }
}
console.log(String(faultsMade));
machine.close();
