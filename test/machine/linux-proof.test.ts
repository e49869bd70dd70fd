// SPDX-License-Identifier: BSD-2-Clause
/**
 * The proof with Linux, through its boot, a script at the console and power management. Needs a kernel and an initrd with a
 * shell on ttyS0: TSBHYVE_TEST_KERNEL and TSBHYVE_TEST_INITRD.
 */
import { buildMachine } from '../../src/machine/build.js';
import { type ProofSubject, runTo } from '../support/proof.js';

const { TSBHYVE_TEST_KERNEL: kernel, TSBHYVE_TEST_INITRD: initrd } = process.env;
const MIB = 1024 * 1024;
const MS = 1_000_000n;
const MINUTES = 60_000;

const subject: ProofSubject = {
  build: (output, hashExits) =>
    buildMachine(
      {
        memory: 192 * MIB,
        clock: { kind: 'virtual', numerator: 1, denominator: 1 },
        boot: { kernel: kernel ?? '', ...(initrd && { initrd }), commandLine: 'console=ttyS0' },
        scripts: {
          com1: [{ after: '/ # ', send: 'echo $((6 * 7)); cat /proc/interrupts; sleep 1; md5sum /bin/busybox\n' }],
        },
      },
      { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits },
    ),
  start: (machine) => machine.powerOn(),
};

const describeWithKernel = kernel === undefined ? describe.skip : describe;

describeWithKernel('Linux', () => {
  test(
    'a machine restored five times on its way arrives at the same bits',
    () => {
      const end = 3200n * MS;
      const whole = runTo(subject, end);
      expect(whole.console).toContain('42\r\n');
      const cuts = [37n * MS, 400n * MS + 1n, 1_000_000_007n, 1_360_000_003n, 1_900_000_001n];
      const parted = runTo(subject, end, cuts);
      expect(parted.tree).toEqual(whole.tree);
      expect(parted).toEqual(whole);
    },
    10 * MINUTES,
  );
});
