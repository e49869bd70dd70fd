// SPDX-License-Identifier: BSD-2-Clause
/** What is seen of the soft engine's translator from outside, and what it refuses. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TranslatorOptions } from '../../src/hypervisor/translator.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { runUntil } from '../../src/machine/run.js';
import { evidence, firstDifference, type ProofSubject, runTo } from '../support/proof.js';
import { PROOF_GUESTS } from '../support/proof-guests/index.js';
import { proofSubject } from '../support/proof-subject.js';

const VIRTUAL = { kind: 'virtual', numerator: 1, denominator: 1 } as const;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-translator-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function build(translator: Partial<TranslatorOptions>, config: Partial<MachineConfig> = {}): Machine {
  return buildMachine({ memory: 2 * 1024 * 1024, clock: VIRTUAL, ...config }, { translator });
}

const [guest] = PROOF_GUESTS;
if (guest === undefined) throw new Error('there is no guest for the proof');
const { end } = guest;
const subject = (translator: Partial<TranslatorOptions>): ProofSubject => proofSubject(guest, translator);

function countsAfterRun(translator: Partial<TranslatorOptions>): Readonly<Record<string, number>> {
  const machine = subject(translator).build([], true);
  subject(translator).start(machine);
  machine.resume();
  runUntil(machine, end);
  const counts = machine.parts.engine.vcpu.counters();
  machine.close();
  return counts;
}

test('it counts what it does', () => {
  const { regions = 0, codeBytes = 0, translations = 0, entries = 0 } = countsAfterRun({ heat: 0 });
  expect(regions).toBeGreaterThan(0);
  expect(codeBytes).toBeGreaterThan(regions);
  expect(translations).toBeGreaterThanOrEqual(regions);
  expect(entries).toBeGreaterThan(0);
  expect(countsAfterRun({ mode: 'off' })).toEqual({});
  expect(countsAfterRun({ mode: 'lockstep' }).piecesInLockstep).toBeGreaterThan(0);
});

test.each<[string, Partial<TranslatorOptions>]>([
  ['of code that has run once', { heat: 1 }],
  ['in little code memory', { heat: 0, codeBytes: 65536 }],
  ['in lockstep', { mode: 'lockstep', heat: 0 }],
])('translation %s changes nothing', (_name, translator) => {
  const whole = runTo(subject({ mode: 'off' }), end);
  expect(firstDifference(whole, runTo(subject(translator), end))).toBeNull();
});

test('translation that starts and stops at any time changes nothing', () => {
  const output: number[] = [];
  const machine = subject({ heat: 0 }).build(output, true);
  subject({}).start(machine);
  machine.resume();
  for (let time = 97n; time < end; time += 37n) {
    runUntil(machine, time);
    machine.parts.engine.restTranslator(time % 3n === 0n);
  }
  runUntil(machine, end);
  machine.pause();
  expect(firstDifference(runTo(subject({ mode: 'off' }), end), evidence(machine, output))).toBeNull();
  machine.close();
});

test('a map for perf names all code, and is nobody else’s', () => {
  const perfMap = join(folder, 'map');
  writeFileSync(perfMap, 'of an earlier process');
  const { translations } = countsAfterRun({ heat: 0, perfMap });
  const lines = readFileSync(perfMap, 'latin1').trimEnd().split('\n');
  expect(lines).toHaveLength(translations ?? 0);
  for (const line of lines) expect(line).toMatch(/^[0-9a-f]+ [0-9a-f]+ guest_[0-9a-f]+$/);
  expect(statSync(perfMap).mode & 0o777).toBe(0o600);
});

test.each<[string, Partial<TranslatorOptions>, Partial<MachineConfig>]>([
  ['vcpus: 2 is not 1, which', { mode: 'lockstep' }, { cpus: 2 }],
  ['virtualClock: 0 is not 1, which', { mode: 'lockstep' }, { clock: { kind: 'real' } }],
  ['codeBytes: 4096 is not between 64 KiB a vCPU and 1 GiB', { codeBytes: 4096 }, {}],
  ['/nowhere/map', { perfMap: '/nowhere/map' }, {}],
])('refuses: %s', (message, translator, config) => {
  expect(() => build(translator, config)).toThrow(message);
});
