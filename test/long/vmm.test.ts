// SPDX-License-Identifier: BSD-2-Clause
/** Debian on engine vmm, with the chipset of its kernel, saved to disk and restored. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, encode } from '../../src/core/cbor.js';
import { buildMachine } from '../../src/machine/build.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { vmmHere } from '../support/vmm-here.js';
import { cloudGuest, virtioGuest } from './support/debian-files.js';
import { checkFileSystem, diskImage, withDisk } from './support/disk-image.js';
import { LinuxConsole } from './support/linux-console.js';
import { runLinux, typed } from './support/linux-session.js';

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

async function boot(console: LinuxConsole, cpus = 1): Promise<Machine> {
  const { kernel, initrd } = await cloudGuest();
  const booted = buildMachine(
    { engine: 'vmm', tscHz, cpus, memory: 128 * MIB, boot: { kernel, initrd, commandLine: 'console=ttyS0' } },
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

/** Another machine takes over, in memory. */
function moved(from: Machine, console: LinuxConsole): Machine {
  from.pause();
  const tree = encode(saveTree(from));
  const memory = copyMemory(from.parts.engine.memory);
  from.close();
  const next = buildMachine(from.parts.config, { ...console.host, restored: true });
  machine = next;
  restoreMemory(next.parts.engine.memory, memory);
  loadTree(next, decode(tree));
  next.resume();
  return next;
}

testVmm('computes with floating-point numbers while it moves from machine to machine', async () => {
  const console = new LinuxConsole();
  let running = await boot(console);
  console.untilPrompt(running);
  let sum = 0;
  for (let i = 1; i < 100_000; i += 1) sum += 1 / i;
  const command = 'awk "BEGIN { for (i = 1; i < 100000; i++) s += 1 / i; print s }"; echo DO""NE\n';
  running.type('com1', new TextEncoder().encode(command));
  for (let moves = 0; moves < 12; moves += 1) {
    const until = running.time + 20_000_000n;
    while (running.time < until) running.runSlice(until);
    running = moved(running, console);
  }
  const answer = console.untilPrompt(running);
  expect(answer).toContain(`\n${sum.toPrecision(6)}\nDONE`);
});

testVmm('two vCPUs work at the same time, and go on in another machine', async () => {
  const console = new LinuxConsole();
  let running = await boot(console, 2);
  console.untilPrompt(running);
  expect(console.ask(running, 'cat /sys/devices/system/cpu/online')).toEqual(['0-1']);
  for (let moves = 0; moves < 3; moves += 1) {
    running = moved(running, console);
    expect(console.ask(running, 'sh -c "for i in 1 2; do (md5sum /bin/busybox | wc -l) & done; wait"')).toEqual([
      '1',
      '1',
    ]);
  }
  const interrupts = console.ask(running, 'cat /proc/interrupts').join('\n');
  expect(interrupts).toMatch(/^ *RES: +\d+ +[1-9]/m);
  expect(interrupts).toMatch(/^ *LOC: +[1-9]\d* +[1-9]/m);
  // A busy host that keeps a vCPU from running between two reads of a clock is no fault of the clock, which the guest knows.
  const complaints = 'grep -i "clocksource.*unstable\\|rcu.*stall\\|soft lockup" | grep -v "read-back delay"';
  expect(console.ask(running, `dmesg | ${complaints}`)).toEqual([]);
});

testVmm.each(['on', 'off'])('a disk and random numbers, MSI-X %s', async (msix) => {
  const { path, digest } = diskImage();
  const pci = withDisk(path, { msix }, { ser: 'DISK-1', queues: '1' });
  const script = [
    typed('mkdir /mnt; mount -t ext4 /dev/vda /mnt; cp /mnt/data /mnt/copy; sync\n'),
    typed('echo 3 > /proc/sys/vm/drop_caches; md5sum /mnt/copy; od -A n -t x1 -N 12 /dev/hwrng\n'),
    typed('grep virtio /proc/interrupts; umount /mnt\n'),
    typed('poweroff\n'),
  ];
  const { answers, reason } = runLinux(await virtioGuest(), { kind: 'real' }, script, { pci, engine: 'vmm', tscHz });
  expect(answers[2]).toContain(`${digest}  /mnt/copy`);
  expect(answers[3]).toMatch(msix === 'on' ? /PCI-MSI.* virtio0-req\.0/ : /IO-APIC.* virtio0/);
  expect(reason).toEqual({ kind: 'power-off' });
  checkFileSystem(path);
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
