// SPDX-License-Identifier: BSD-2-Clause
/** Debian's console driver on our device: a console, a named port, and a new size. */
import type { Guest } from '../../scripts/quickstart/guest.js';
import { buildMachine } from '../../src/machine/build.js';
import { runUntil, runUntilStopped } from '../../src/machine/run.js';
import { virtioGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';
import { typed, virtualClock } from './support/linux-session.js';

const AGENT = 'pci-0:5:0/org.agent.0';
const CONSOLE = 'pci-0:5:0/console';
const MIB = 1024 * 1024;
const SECOND = 1_000_000_000n;

let guest: Guest;
beforeAll(async () => {
  guest = await virtioGuest();
});

test('bytes go both ways on a console and on a named port', () => {
  const seen = new Map<string, string>();
  const output = (id: string) => ({
    write: (byte: number) => void seen.set(id, (seen.get(id) ?? '') + String.fromCharCode(byte)),
  });
  const script = [
    typed('cat /sys/class/virtio-ports/*/name; echo to-console > /dev/hvc0; stty -F /dev/hvc0 -echo\n'),
    typed('exec 3<>/dev/vport0p1; echo to-agent >&3; head -n 1 <&3\n'),
    typed('head -n 1 /dev/hvc0; poweroff\n'),
  ];
  const machine = buildMachine(
    {
      memory: 256 * MIB,
      clock: virtualClock,
      boot: { ...guest, commandLine: 'console=ttyS0' },
      scripts: { com1: script },
      pci: [
        { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
        { slot: 5, fn: 0, kind: 'virtio-console', options: { console: 'none', 'port.org.agent.0': '/nowhere' } },
        { slot: 31, fn: 0, kind: 'lpc', options: {} },
      ],
    },
    { outputs: { com1: output('com1'), [AGENT]: output(AGENT), [CONSOLE]: output(CONSOLE) } },
  );
  try {
    machine.powerOn();
    machine.setConsoleOpen(AGENT, true);
    machine.type(AGENT, Buffer.from('for the agent\n'));
    machine.resume();
    runUntil(machine, 10n * SECOND);
    machine.type(CONSOLE, Buffer.from('for the console\n'));
    expect(runUntilStopped(machine)).toEqual({ kind: 'power-off' });
  } finally {
    machine.close();
  }
  expect(seen.get('com1')).toMatch(/\r\norg\.agent\.0\r\n/);
  expect(seen.get('com1')).toMatch(/\r\nfor the agent\r\n/);
  expect(seen.get('com1')).toMatch(/\r\nfor the console\r\n/);
  expect(seen.get(CONSOLE)).toContain('to-console');
  expect(seen.get(AGENT)).toContain('to-agent');
});

/** Linux does not look at the first size: it has none until that changes. */
test('the guest hears when the size of the terminal changes', () => {
  const console = new LinuxConsole();
  const machine = buildMachine(
    {
      memory: 256 * MIB,
      clock: virtualClock,
      boot: { ...guest, commandLine: 'console=ttyS0' },
      pci: [
        { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
        { slot: 5, fn: 0, kind: 'virtio-console', options: { console: 'none' } },
        { slot: 31, fn: 0, kind: 'lpc', options: {} },
      ],
    },
    console.host,
  );
  try {
    machine.powerOn();
    machine.resume();
    console.untilPrompt(machine);
    console.ask(machine, 'exec 3<>/dev/hvc0');
    machine.resizeConsole(CONSOLE, 100, 30);
    expect(console.ask(machine, 'stty -F /dev/hvc0 size')).toEqual(['30 100']);
  } finally {
    machine.close();
  }
});
