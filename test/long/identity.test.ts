// SPDX-License-Identifier: BSD-2-Clause
/**
 * Clones of one running Debian. Its standard kernel has the driver of the VM generation id, which the cloud kernel has
 * not. Under the virtual clock two machines differ by nothing but what a restore gives them.
 */
import { buildMachine } from '../../src/machine/build.js';
import { type LoadOptions, loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { standardGuest } from './support/debian-files.js';
import { LinuxConsole } from './support/linux-console.js';
import { virtualClock } from './support/linux-session.js';

const MEMORY = 128 * 1024 * 1024;
const SECOND = 1_000_000_000n;
const RANDOM = 'od -An -tx1 -N16 /dev/urandom';
const FORKED = 'random: crng reseeded due to virtual machine fork';

let store: SnapshotStore;

beforeAll(async () => {
  const { kernel, initrd } = await standardGuest();
  store = temporaryStore();
  const console = new LinuxConsole();
  const boot = { kernel, initrd, commandLine: 'console=ttyS0' };
  const machine = buildMachine({ memory: MEMORY, clock: virtualClock, boot }, console.host);
  machine.powerOn();
  machine.resume();
  console.untilPrompt(machine);
  expect(console.ask(machine, RANDOM)).toEqual([expect.stringMatching(/^( [0-9a-f]{2}){16}$/)]); // the generator is ready
  machine.pause();
  saveMachine(machine, store, 'running');
  machine.close();
});

function restored(identity: NonNullable<LoadOptions['identity']>): { random: string[]; log: string[] } {
  const console = new LinuxConsole();
  const { machine } = loadMachine(store, 'running', { identity, host: console.host, verify: true });
  try {
    const start = machine.time;
    machine.resume();
    const random = console.ask(machine, RANDOM);
    expect(machine.time - start).toBeLessThan(SECOND);
    return { random, log: console.ask(machine, `dmesg | grep -c '${FORKED}'; dmesg -r | grep '^<[0-4]>' | tail -n 1`) };
  } finally {
    machine.close();
  }
}

test('two clones print different random bytes within a second, as their kernels were told', () => {
  const clones = [1, 2].map((byte) => restored({ kind: 'new', generation: new Uint8Array(16).fill(byte) }));
  for (const { log } of clones) expect(log[0]).toBe('1');
  expect(clones[0]?.random).toEqual([expect.stringMatching(/^( [0-9a-f]{2}){16}$/)]);
  expect(clones[0]?.random).not.toEqual(clones[1]?.random);
});

test('with the id that was saved they print the same, and nobody was told', () => {
  const [one, two] = [restored({ kind: 'keep' }), restored({ kind: 'keep' })];
  expect(one.log[0]).toBe('0');
  expect(one).toEqual(two);
});
