// SPDX-License-Identifier: BSD-2-Clause
/** A running Debian that is suspended for an hour of injected host time. */
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { buildMachine } from '../../src/machine/build.js';
import type { GuestClock } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { cloudGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';
import { virtualClock } from './support/linux-session.js';

const MEMORY = 128 * 1024 * 1024;
const SAVED_AT = 1_700_000_000_000_000_000n;
const HOUR = 3600;
/** Far more than a guest takes here to answer, far less than the hour. */
const SOME_SECONDS = 300;

interface Reading {
  /** Seconds of the real-time clock, of CLOCK_MONOTONIC and of CLOCK_REALTIME. */
  readonly rtc: number;
  readonly monotonic: number;
  readonly realtime: number;
  readonly warnings: readonly string[];
}

function read(console: LinuxConsole, machine: Machine): Reading {
  const [rtc = '', uptime = '', date = '', ...warnings] = console.ask(
    machine,
    "hwclock -r | cut -d ' ' -f 1-5; cut -d ' ' -f 1 /proc/uptime; date +%s; dmesg -r | grep '^<[0-4]>'",
  );
  return { rtc: Date.parse(`${rtc} UTC`) / 1000, monotonic: Number(uptime), realtime: Number(date), warnings };
}

const clocks: readonly ClockMode[] = [virtualClock, { kind: 'real' }];
const policies: readonly GuestClock[] = ['advance', 'freeze'];

describe.each(clocks)('under the $kind clock', (clock) => {
  const store = temporaryStore();
  let before: Reading;

  beforeAll(async () => {
    const { kernel, initrd } = await cloudGuest();
    const console = new LinuxConsole();
    const boot = { kernel, initrd, commandLine: 'console=ttyS0' };
    const machine = buildMachine({ memory: MEMORY, clock, boot }, console.host);
    machine.powerOn();
    machine.resume();
    console.untilPrompt(machine);
    before = read(console, machine);
    machine.pause();
    saveMachine(machine, store, 'running', { now: SAVED_AT });
    machine.close();
  });

  test.each(policies)('%s', (guestClock) => {
    const console = new LinuxConsole();
    const now = SAVED_AT + BigInt(HOUR) * 1_000_000_000n;
    const { machine } = loadMachine(store, 'running', { now, overrides: { guestClock }, host: console.host });
    try {
      machine.resume();
      console.ask(machine, 'sleep 30'); // longer than the intervals of the kernel's watchdogs
      const after = read(console, machine);
      expect(after.warnings).toEqual(before.warnings);
      const [monotonic, realtime, rtc] = (['monotonic', 'realtime', 'rtc'] as const).map(
        (name) => after[name] - before[name],
      );
      expect(monotonic).toBeGreaterThanOrEqual(30);
      expect(monotonic).toBeLessThan(SOME_SECONDS);
      expect(realtime).toBeLessThan(SOME_SECONDS); // a guest looks at the real-time clock when it boots
      const moved = guestClock === 'advance' ? HOUR : 0;
      expect(rtc).toBeGreaterThanOrEqual(moved + 30);
      expect(rtc).toBeLessThan(moved + SOME_SECONDS);
    } finally {
      machine.close();
    }
  });
});
