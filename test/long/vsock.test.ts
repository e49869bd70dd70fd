// SPDX-License-Identifier: BSD-2-Clause
/** Debian's socket driver on our device, with socat at its ends. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Guest } from '../../scripts/quickstart/guest.js';
import { buildMachine } from '../../src/machine/build.js';
import { DEFAULT_CONFIG, type MachineConfig, machineConfig, type PciDeviceConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import type { StopReason } from '../../src/machine/stop.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { type Evidence, firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { MemorySockets } from '../support/vsock-guest.js';
import { vsockGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';
import { type Disturbance, linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { typed } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';
import { answerOf } from './support/vsock-call.js';

const MEMORY = 128 * 1024 * 1024;
const seed = testSeed();
/** The device is up and at work from about here on. */
const BUSY = 2_000_000_000n;

const device = (options: Record<string, string>): PciDeviceConfig[] => [
  ...DEFAULT_CONFIG.pci,
  { slot: 6, fn: 0, kind: 'virtio-vsock', options },
];

let guest: Guest;
beforeAll(async () => {
  guest = await vsockGuest();
});

const boot = (): MachineConfig['boot'] => ({ ...guest, commandLine: 'console=ttyS0' });

describe.each<[string, Record<string, string>]>([
  ['split rings', {}],
  ['packed rings', { packed: 'on' }],
])('%s', (_, options) => {
  // Half a stream's end reaches the other side, and only then does md5sum answer.
  const script = [
    typed('socat VSOCK-LISTEN:1234 SYSTEM:"md5sum" & sleep 0.2\n'),
    typed('head -c 1000000 /dev/zero | socat -t 5 - VSOCK-CONNECT:2:1234; wait\n'),
    typed('socat - VSOCK-CONNECT:2:4321; dmesg -r | grep "^<[0-4]>"; poweroff\n'),
  ];
  let whole: Evidence;
  const live = (disturbance: Disturbance): Evidence =>
    linuxLife(linuxSubject(guest, { script, config: { pci: device({ loopback: 'on', ...options }) } }), disturbance);

  beforeAll(() => {
    whole = live(UNDISTURBED);
  });

  test('a stream goes from port to port', () => {
    expect(whole.console).toContain('879f4bba57ed37c9ec5e5aedf9864698'); // a million zeros
    expect(whole.console).toContain('Connection reset by peer'); // nobody is at 4321
    expect(whole.stop).toBe('{"kind":"power-off"}');
  });

  test(`saving and restoring at random times changes nothing (seed ${seed})`, () => {
    const restarts = new Restarts({ seed, first: BUSY, mean: 5_000_000 });
    expect(firstDifference(whole, live(restarts))).toBeNull();
    expect(restarts.count).toBeGreaterThan(20);
  });
});

test('programs of the host and of the guest call each other', async () => {
  const path = join(temporaryFolder(), 'vsock');
  const greeted = new Promise<string>((resolve) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes) => resolve(String(bytes)));
      socket.end('good day\n');
      server.close();
    });
    server.listen(`${path}_80`);
  });
  let output = '';
  let ended: (reason: StopReason) => void = () => {};
  const stopped = new Promise<StopReason>((resolve) => {
    ended = resolve;
  });
  const scripts = {
    com1: [
      typed('echo hello | socat -t 5 - VSOCK-CONNECT:2:80\n'),
      typed('socat VSOCK-LISTEN:1024 SYSTEM:"wc -c"; poweroff\n'),
    ],
  };
  const host = await MachineHost.start(
    machineConfig({ memory: MEMORY, boot: boot(), scripts, pci: device({ path }) }),
    {
      outputs: { com1: (bytes) => (output += Buffer.from(bytes).toString('latin1')) },
      onStopped: (reason) => ended(reason),
    },
  );
  try {
    await host.call('resume');
    expect(await greeted).toBe('hello\n');
    expect(await answerOf(path, 1024, Buffer.alloc(1_000_000))).toMatch(/^OK \d+\n1000000\n$/);
    expect(await stopped).toEqual({ kind: 'power-off' });
    expect(output).toContain('good day');
  } finally {
    await host.close();
  }
});

test('connections of a machine that goes on from a snapshot are reset, and new ones work', () => {
  const store = temporaryStore();
  const console = new LinuxConsole();
  const first = new MemorySockets(true);
  const config = { memory: MEMORY, boot: boot(), pci: device({ path: '/nowhere' }) };
  const call = { host: 2 ** 30, guest: 1024 };
  let machine = buildMachine(config, { ...console.host, devices: { openVsock: () => first } });
  try {
    machine.powerOn();
    machine.resume();
    console.untilPrompt(machine);
    console.ask(machine, 'socat -u VSOCK-LISTEN:1024 /got & sleep 1');
    first.say({ op: 'request', ...call });
    runUntil(machine, () => first.heard.some(({ op }) => op === 'response'));
    first.say({ op: 'data', ...call, bytes: Buffer.from('before') });
    expect(console.ask(machine, 'sleep 1; cat /got; echo; jobs | wc -l')).toEqual(['before', '1']);
    machine.pause();
    saveMachine(machine, store, 'one');
    machine.close();

    const second = new MemorySockets(true);
    const host = { ...console.host, devices: { openVsock: () => second } };
    machine = loadMachine(store, 'one', { host }).machine;
    machine.resume();
    const [, ended] = console.ask(machine, 'wait; echo; echo ended');
    expect(ended ?? '').toContain('ended');
    console.ask(machine, 'echo after | socat -u - VSOCK-CONNECT:2:99 & sleep 1');
    const request = second.heard.find(({ op }) => op === 'request');
    expect(request?.host).toBe(99);
    second.say({ op: 'response', host: 99, guest: request?.guest ?? 0 });
    runUntil(machine, () => second.heard.some(({ op }) => op === 'shutdown'));
    const data = second.heard.flatMap((message) => (message.op === 'data' ? [Buffer.from(message.bytes)] : []));
    expect(Buffer.concat(data).toString()).toBe('after\n');
  } finally {
    machine.close();
  }
});

function runUntil(machine: Machine, condition: () => boolean): void {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  while (!condition()) {
    const end = machine.runSlice();
    if (end === 'stopped') throw new Error('the guest ended too early');
    if (end === 'idle') Atomics.wait(nobodyWakes, 0, 0, 1);
  }
}
