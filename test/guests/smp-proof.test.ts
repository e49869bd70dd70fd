// SPDX-License-Identifier: BSD-2-Clause
/** Two and four processors at work, saved, restored, and without their caches all along: nothing of it can be seen. */
import { buildMachine } from '../../src/machine/build.js';
import { runUntil } from '../../src/machine/run.js';
import { type Evidence, evidence, firstDifference, type ProofSubject, runTo } from '../support/proof.js';
import { randomNumbers, testSeed } from '../support/random.js';
import { canBuildGuests, GuestBuilder } from './build-guest.js';

const CUTS = 40;
const seed = testSeed();

const suite = canBuildGuests() ? describe : describe.skip;

suite.each([2, 4])('%d processors', (cpus) => {
  const builder = new GuestBuilder();
  let subject: ProofSubject;
  /** VM time just before the guest ends its machine. */
  let end: bigint;
  let whole: Evidence;

  beforeAll(() => {
    const boot = { kernel: builder.build('smp'), commandLine: '' };
    const clock = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
    subject = {
      build: (output, hashExits) =>
        buildMachine(
          { cpus, memory: 12 * 1024 * 1024, clock, boot },
          { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits },
        ),
      start: (machine) => machine.powerOn(),
    };
    const machine = subject.build([], true);
    subject.start(machine);
    machine.resume();
    expect(runUntil(machine, 10_000_000n)).toBe('stopped');
    end = machine.time - 1n;
    machine.close();
    whole = runTo(subject, end);
  });
  afterAll(() => builder.remove());

  test('come to their end', () => {
    expect(whole.console).toContain(`all work: others=${cpus - 1}`);
  });

  test(`saved and restored at random times (seed ${seed})`, () => {
    const random = randomNumbers(seed);
    const times = Array.from({ length: CUTS }, () => BigInt(Math.floor(random() * Number(end))));
    const cuts = times.sort((a, b) => Number(a - b));
    expect(firstDifference(whole, runTo(subject, end, cuts))).toBeNull();
  });

  test('without their caches at random times', () => {
    const random = randomNumbers(seed);
    const output: number[] = [];
    const machine = subject.build(output, true);
    subject.start(machine);
    machine.resume();
    for (let time = 0n; time < end; time += BigInt(Math.ceil(random() * 30_000))) {
      expect(runUntil(machine, time)).toBe('limit');
      machine.parts.engine.dropCaches();
    }
    expect(runUntil(machine, end)).toBe('limit');
    machine.pause();
    const found = evidence(machine, output);
    machine.close();
    expect(firstDifference(whole, found)).toBeNull();
  });
});
