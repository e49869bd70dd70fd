// SPDX-License-Identifier: BSD-2-Clause
/** A snapshot on disk that another engine goes on from, and what keeps one from it. */
import { maskedText } from '../../src/hypervisor/cpu-models/masked.js';
import { wakeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { sleepIdle } from '../../src/machine/run.js';
import { checkSnapshot } from '../../src/snapshot/check-snapshot.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { kvmHere, kvmTscHz } from '../support/kvm-here.js';
import { loadTextGuest, TEXT } from '../support/text-guest.js';
import { vmmHere } from '../support/vmm-here.js';
import { temporaryStore } from './support/temporary-store.js';

/** Far more VM time than any of this takes. */
const LIMIT = 10_000_000_000n;
const kvm = kvmHere();
const tscHz = 'probe' in kvm ? kvmTscHz(kvm.probe) : null;
const CONFIG: Partial<MachineConfig> = { memory: 2 * 1024 * 1024, tscHz };

/** What keeps this host's kvm from going on with what soft has saved. */
function problemsOfKvm(): string[] {
  const machine = buildMachine({ ...CONFIG, engine: 'kvm' });
  machine.close();
  const { missingFromSnapshot: missing, maskedCpuid } = machine.parts.engine.capabilities;
  const masked = maskedText(maskedCpuid);
  return [
    ...(masked === '' ? [] : [`cpuModel: saved with tsb-1, here tsb-1 without CPUID ${masked}`]),
    ...(missing === '' ? [] : [`engine kvm cannot restore ${missing}`]),
  ];
}

if ('skipped' in kvm) test.skip(kvm.skipped, () => {});
const problems = 'probe' in kvm ? problemsOfKvm() : [];
const testKvm = 'probe' in kvm && problems.length === 0 ? test : test.skip;
const testRefusal = problems.length > 0 ? test : test.skip;
for (const problem of problems) test.skip(`skipped: ${problem}`, () => {});

let printed = '';
let machines: Machine[] = [];
let awaited = 0;
beforeEach(() => {
  printed = '';
  machines = [];
});
afterEach(() => {
  for (const machine of machines) machine.close();
});

const outputs = {
  com1: {
    write: (byte: number): void => {
      printed += String.fromCharCode(byte);
      const engine = machines.at(-1)?.parts.engine;
      if (printed.length === awaited && engine !== undefined) wakeEngine(engine.id);
    },
  },
};

function started(config: Partial<MachineConfig>): Machine {
  const machine = buildMachine({ ...CONFIG, ...config }, { outputs });
  machines.push(machine);
  loadTextGuest(machine, 'hpet', 'ioapic');
  machine.resume();
  return machine;
}

function runTo(machine: Machine, length: number): void {
  awaited = length;
  while (machine.state === 'running' && printed.length < length && machine.time < LIMIT) {
    const seen = machine.parts.events.wakes;
    if (machine.runSlice(LIMIT) === 'idle') sleepIdle(machine, seen);
  }
  expect(printed).toBe(TEXT.slice(0, length));
}

/** A snapshot of a guest in the middle of its text. */
function savedIn(store: SnapshotStore, config: Partial<MachineConfig>): void {
  const machine = started(config);
  runTo(machine, 10);
  machine.pause();
  saveMachine(machine, store, 'one');
}

testKvm.each([
  ['soft', 'kvm'],
  ['kvm', 'soft'],
])('what %s has saved goes on with %s', (from, to) => {
  const store = temporaryStore();
  savedIn(store, { engine: from });
  expect(checkSnapshot(store, 'one', { engine: to })).toEqual([]);
  const { machine } = loadMachine(store, 'one', { overrides: { engine: to }, host: { outputs } });
  machines.push(machine);
  expect(machine.parts.engine.capabilities.engine).toBe(to);
  machine.resume();
  runTo(machine, 25);
  machine.pause();
  saveMachine(machine, store, 'two');
  const { machine: back } = loadMachine(store, 'two', { overrides: { engine: from }, host: { outputs } });
  machines.push(back);
  back.resume();
  runTo(back, TEXT.length);
});

testRefusal('what kvm cannot take in is named before anything is tried, and nothing is made of it', () => {
  const store = temporaryStore();
  savedIn(store, { engine: 'soft' });
  expect(checkSnapshot(store, 'one', { engine: 'kvm' })).toEqual(
    problems.map((problem) => ({ path: 'one', problem, remedy: 'go on with engine soft' })),
  );
  expect(() => loadMachine(store, 'one', { overrides: { engine: 'kvm' } })).toThrow(/engine kvm: cannot save|cpuModel/);
});

test('under the virtual clock only soft goes on', () => {
  const store = temporaryStore();
  savedIn(store, { clock: { kind: 'virtual', numerator: 1, denominator: 1 } });
  expect(checkSnapshot(store, 'one', { engine: 'kvm' })).toEqual([
    {
      path: 'one',
      problem: expect.stringContaining('"kvm": it does not count instructions, as the virtual clock needs'),
      remedy: 'give another value with the override',
    },
  ]);
  expect(() => loadMachine(store, 'one', { overrides: { engine: 'kvm' } })).toThrow('it does not count instructions');
});

const testFixedRate = 'probe' in kvm && tscHz !== null ? test : test.skip;
testFixedRate('a rate of the TSC that kvm cannot have is named before anything is tried', () => {
  const store = temporaryStore();
  savedIn(store, { tscHz: 1_000_000_000n });
  const found = checkSnapshot(store, 'one', { engine: 'kvm' });
  expect(found.map(({ problem }) => problem).sort()).toEqual(
    [...problems, `tscHz: saved with 1000000000, here ${tscHz}`].sort(),
  );
  expect(checkSnapshot(store, 'one')).toEqual([]);
});

const vmm = vmmHere();
const testVmm = 'probe' in vmm ? test : test.skip;
if ('skipped' in vmm) test.skip(vmm.skipped, () => {});
testVmm('vmm has another processor, timer and chipset: all of it is named', () => {
  const store = temporaryStore();
  savedIn(store, { tscHz: 'probe' in vmm ? vmm.probe.tscHz : null });
  const problems = checkSnapshot(store, 'one', { engine: 'vmm' }).map(({ problem }) => problem);
  expect(problems.map((problem) => problem.split(':')[0])).toEqual(
    expect.arrayContaining(['cpuModel', 'lapicHz', 'timerModes', 'chipset']),
  );
  expect(problems).toContain('chipset: saved with tsb-pc-0, here vmm-pc-0');
});

test('where there is no such engine, that is the blocker', () => {
  const store = temporaryStore();
  savedIn(store, {});
  const library = process.env.TSBHYVE_VMMAPI;
  process.env.TSBHYVE_VMMAPI = '/no/such/library';
  try {
    expect(checkSnapshot(store, 'one', { engine: 'vmm' })).toEqual([
      expect.objectContaining({ path: 'one', problem: expect.stringContaining('engine vmm cannot be used here') }),
    ]);
  } finally {
    if (library === undefined) delete process.env.TSBHYVE_VMMAPI;
    else process.env.TSBHYVE_VMMAPI = library;
  }
});
