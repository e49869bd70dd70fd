// SPDX-License-Identifier: BSD-2-Clause
/** Debian's kernels from power-on to power-off, with what a person would type. */
import { createHash } from 'node:crypto';
import type { Guest } from '../../scripts/quickstart/guest.js';
import { PROMPT } from '../../scripts/quickstart/initramfs.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { cloudGuest, standardGuest } from './support/debian-files.js';
import { type LinuxSession, runLinux, typed, virtualClock } from './support/linux-session.js';

const CONTROL_C = '\x03';
const CONTROL_D = '\x04';
const MOST_PIT_READS = 1000;
/** 4 KiB in lines that the terminal's line buffer holds. */
const PASTE = Array.from({ length: 64 }, (_, line) => `${String(line).padStart(3, '0')} ${'x'.repeat(59)}\n`).join('');

const script = [
  typed('cat /proc/cpuinfo /proc/interrupts\n'),
  typed('date\n'),
  typed('cut -d " " -f 1 /proc/uptime; sleep 1; cut -d " " -f 1 /proc/uptime\n'),
  typed(`echo never said ${CONTROL_C}`),
  // Quotes keep the mark out of the echo of the command.
  typed('sh -c \'echo SLEEP""ING; exec sleep 100000\'\n'),
  { after: 'SLEEPING', send: CONTROL_C },
  typed('echo status $?\n'),
  typed('echo WAIT""ING; cat > paste\n'),
  { after: 'WAITING', send: PASTE + CONTROL_D },
  typed('wc -c < paste; md5sum < paste\n'),
  typed('dmesg -r | grep "^<[0-4]>"\n'),
  typed('poweroff\n'),
];

/** Without the echo of the command. */
const outputOf = (answer: string | undefined): string[] => (answer ?? '').trimEnd().split('\n').slice(1);

const guests: readonly (readonly [name: string, guest: () => Promise<Guest>])[] = [
  ['cloud', cloudGuest],
  ['standard', standardGuest],
];
const clocks: readonly ClockMode[] = [virtualClock, { kind: 'real' }];
const cases = guests.flatMap(([name, guest]) => clocks.map((clock) => ({ name, guest, clock, kind: clock.kind })));

describe.each(cases)("Debian's $name kernel under the $kind clock", ({ guest, clock }) => {
  let session: LinuxSession;

  beforeAll(async () => {
    session = runLinux(await guest(), clock, script);
  });

  test('boots to the shell and powers off', () => {
    expect(session.answers).toHaveLength(script.filter((step) => step.after === PROMPT).length + 1);
    expect(session.reason).toEqual({ kind: 'power-off' });
  });

  test('does not calibrate with the 8254', () => {
    expect(session.pitReads).toBeLessThan(MOST_PIT_READS);
  });

  test('names the processor and its interrupts', () => {
    const lines = outputOf(session.answers[1]);
    expect(lines).toContain('vendor_id\t: GenuineIntel');
    expect(lines).toContain('cpu MHz\t\t: 1000.000');
    expect(lines).toContain('bugs\t\t:');
    const rows = lines.map((line) => /^ *(\w+): +(\d+)/.exec(line));
    const counts = new Map(rows.map((row) => [row?.[1], row?.[2]]));
    expect(Number(counts.get('4'))).toBeGreaterThan(0); // ttyS0
    expect(Number(counts.get('LOC'))).toBeGreaterThan(0);
    expect(counts.get('ERR')).toBe('0');
    expect(counts.get('MIS')).toBe('0');
  });

  test('knows the date of the real-time clock', () => {
    expect(outputOf(session.answers[2])).toEqual([expect.stringMatching(/^Sat Nov 30 00:0\d:\d\d UTC 2013$/)]);
  });

  test('sleeps for a second', () => {
    const [before, after] = outputOf(session.answers[3]).map((seconds) => Math.round(100 * Number(seconds)));
    const slept = (after ?? 0) - (before ?? 0);
    expect(slept).toBeGreaterThanOrEqual(100);
    if (clock.kind === 'virtual') expect(slept).toBeLessThan(120);
  });

  test('Ctrl-C drops the line at the prompt, and ends a program', () => {
    expect(session.answers[4]).toBe('echo never said ^C\n');
    expect(session.answers[5]).toContain('SLEEPING\n^C');
    expect(outputOf(session.answers[6])).toEqual(['status 130']);
  });

  test('4 KiB pasted into the console all arrive', () => {
    const digest = createHash('md5').update(PASTE).digest('hex');
    expect(outputOf(session.answers[8])).toEqual(['4096', `${digest}  -`]);
  });

  if (clock.kind === 'virtual') {
    test('warns of nothing', () => {
      expect(outputOf(session.answers[9])).toEqual([]);
    });
  }

  test('reboots', async () => {
    const { reason } = runLinux(await guest(), clock, [typed('reboot\n')]);
    expect(reason).toEqual({ kind: 'reset' });
  });
});
