// SPDX-License-Identifier: BSD-2-Clause
/** Debian on engine vmm, with the chipset of its kernel, saved to disk and restored. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { vmmHere } from '../support/vmm-here.js';
import { cloudGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';

const MIB = 1024 * 1024;
const vmm = vmmHere();
const testVmm = 'probe' in vmm ? test : test.skip;
if ('skipped' in vmm) test.skip(vmm.skipped, () => {});
const tscHz = 'probe' in vmm ? vmm.probe.tscHz : null;

let folder = '';
let machine: Machine | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-vmm-'));
});
afterEach(() => {
  machine?.close();
  machine = null;
  rmSync(folder, { recursive: true, force: true });
});

async function boot(console: LinuxConsole): Promise<Machine> {
  const { kernel, initrd } = await cloudGuest();
  const booted = buildMachine(
    { engine: 'vmm', tscHz, memory: 128 * MIB, boot: { kernel, initrd, commandLine: 'console=ttyS0' } },
    console.host,
  );
  machine = booted;
  booted.powerOn();
  booted.resume();
  return booted;
}

testVmm('boots to its shell, by the clocks of the kernel, and powers off', async () => {
  const console = new LinuxConsole();
  const booted = await boot(console);
  console.untilPrompt(booted);
  expect(console.ask(booted, 'cat /sys/devices/system/clocksource/clocksource0/available_clocksource')[0]).toMatch(
    /hpet.*acpi_pm|acpi_pm.*hpet/,
  );
  const interrupts = console.ask(booted, 'cat /proc/interrupts').join('\n');
  expect(interrupts).toMatch(/^ *4: +[1-9].*ttyS0/m);
  expect(interrupts).toMatch(/^ *ERR: +0$/m);
  const [before, after] = console.ask(booted, 'cut -d . -f 1 /proc/uptime; sleep 2; cut -d . -f 1 /proc/uptime');
  expect(Number(after) - Number(before)).toBeGreaterThanOrEqual(1);
  booted.type('com1', new TextEncoder().encode('poweroff\n'));
  while (booted.state === 'running') booted.runSlice(booted.time + 10_000_000n);
  expect(booted.stopReason).toEqual({ kind: 'power-off' });
});

testVmm('goes on from a snapshot in another machine, its registers and clocks as they were', async () => {
  const console = new LinuxConsole();
  const booted = await boot(console);
  console.untilPrompt(booted);
  expect(console.ask(booted, 'i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i')).toEqual(['3']);
  booted.pause();
  const store = new SnapshotStore(folder);
  saveMachine(booted, store, 'first');
  booted.close();
  for (const name of ['second', 'third']) {
    const from = name === 'second' ? 'first' : 'second';
    const { machine: next } = loadMachine(store, from, { host: console.host });
    machine = next;
    next.resume();
    expect(console.ask(next, 'echo $i; awk "BEGIN { print 10 / 4 }"')).toEqual(['3', '2.5']);
    expect(console.ask(next, 'dmesg | grep -ic "clocksource.*unstable\\|rcu.*stall"')).toEqual(['0']);
    next.pause();
    saveMachine(next, store, name);
    next.close();
  }
});

testVmm('on a kernel without BHYVE_SNAPSHOT it runs, and a save says what to build', async () => {
  if (process.platform === 'freebsd') return;
  vmmHere('generic');
  try {
    const console = new LinuxConsole();
    const booted = await boot(console);
    console.untilPrompt(booted);
    booted.pause();
    expect(() => saveMachine(booted, new SnapshotStore(folder), 'never')).toThrow('options BHYVE_SNAPSHOT');
    booted.resume();
    expect(console.ask(booted, 'echo still here')).toEqual(['still here']);
  } finally {
    vmmHere();
  }
});
