// SPDX-License-Identifier: BSD-2-Clause
/** One pass of memtest86+ over a small memory, read from its screen on the serial port. */
import { buildMachine } from '../../src/machine/build.js';
import { memtest } from './support/debian-files.js';

/** 64 times the VM time for an instruction: its bit fade test waits for minutes. */
const clock = { kind: 'virtual', numerator: 64, denominator: 1 } as const;
const MEMORY = 16 * 1024 * 1024;
const DAY = 86_400_000_000_000n;
const KEPT = 4096;

const SUMMARY = /Pass: +(\d+) +Errors: (\d+)/g;

test('memtest86+ finds no error in one pass', async () => {
  const kernel = await memtest();
  let screen = '';
  const com1 = {
    write(byte: number): void {
      screen += String.fromCharCode(byte);
    },
  };
  const machine = buildMachine(
    { memory: MEMORY, clock, boot: { kernel, commandLine: 'console=ttyS0,115200' } },
    { outputs: { com1 } },
  );
  machine.powerOn();
  machine.resume();
  try {
    let passes = 0;
    while (passes === 0) {
      expect(machine.runSlice(DAY)).toBe('ran');
      for (const [, pass, errors] of screen.matchAll(SUMMARY)) {
        expect(errors).toBe('0');
        passes = Number(pass);
      }
      screen = screen.slice(-KEPT);
    }
  } finally {
    machine.close();
  }
});
