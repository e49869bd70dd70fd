// SPDX-License-Identifier: BSD-2-Clause
/** Everything privileged on the soft engine: each guest prints what NAME.expected says. */
import { buildMachine } from '../../src/machine/build.js';
import { runUntil } from '../../src/machine/run.js';
import { canBuildGuests, GuestBuilder, guestNames, readExpectation } from './build-guest.js';

const LONGEST = 1_000_000_000n; // instructions: a guest needs a few 100,000

const suite = canBuildGuests() ? describe : describe.skip;

suite('guests', () => {
  const builder = new GuestBuilder();
  afterAll(() => builder.remove());

  test.each(guestNames)('%s', (name) => {
    const { cpus, manual } = readExpectation(name);
    const output: number[] = [];
    const machine = buildMachine(
      {
        cpus,
        memory: 64 * 1024 * 1024,
        clock: { kind: 'virtual', numerator: 1, denominator: 1 },
        boot: { kernel: builder.build(name), commandLine: '' },
      },
      { outputs: { com1: { write: (byte) => output.push(byte) } } },
    );
    try {
      machine.powerOn();
      machine.resume();
      expect(runUntil(machine, LONGEST)).toBe('stopped');
      expect(Buffer.from(output).toString('latin1')).toBe(manual);
    } finally {
      machine.close();
    }
  });
});
