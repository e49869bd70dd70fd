// SPDX-License-Identifier: BSD-2-Clause
import { snapshotCommand } from '../../src/cli/snapshot-command.js';
import { buildMachine } from '../../src/machine/build.js';
import { ChangeLog } from '../../src/snapshot/change-log.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { spoil, temporaryStore } from '../snapshot/support/temporary-store.js';
import { MEMORY, MS, tickMachine } from '../snapshot/support/tick-subject.js';

function runOn(store: SnapshotStore, progress: (string | null)[] = []) {
  return (...words: string[]): { status: number; text: string } => {
    let text = '';
    const status = snapshotCommand([...words, '--store', store.root], {
      print: (part) => {
        text += part;
      },
      progress: (line) => progress.push(line),
    });
    return { status, text };
  };
}

function twoSnapshots(): SnapshotStore {
  const store = temporaryStore();
  const machine = tickMachine(MS);
  const changes = new ChangeLog(machine, saveMachine(machine, store, 'full', { now: 0n }));
  machine.parts.engine.memory.writeU8(0x10_0000, 1);
  saveMachine(machine, store, 'delta', { changes, now: 1_000_000_000n });
  machine.close();
  return store;
}

test('ls lists whole and broken snapshots', () => {
  const store = twoSnapshots();
  const run = runOn(store);
  const { text } = run('ls');
  expect(text).toMatch(/^NAME +KIND +VM +MEMORY +STORED +CREATED +PARENT\n/);
  expect(text).toMatch(/^full +snapshot +vm +2\.0 MiB +\d+ KiB +1970-01-01T00:00:00Z$/m);
  expect(text).toMatch(/^delta +snapshot +vm +2\.0 MiB +4 KiB +1970-01-01T00:00:01Z +full$/m);
  spoil(store, 'full/manifest.json', Buffer.from('{}'));
  expect(run('ls').text).toMatch(/^full +broken: full\/manifest\.json: /m);
  expect(run('ls').text).toMatch(/^delta .* missing: [0-9a-f]{32}$/m);
});

test('show, diff and verify', () => {
  const run = runOn(twoSnapshots());
  expect(run('show', 'full').text).toMatch(/^machine\.memory = 2097152 bytes$/m);
  expect(run('diff', 'full', 'delta')).toEqual({ status: 1, text: 'page 256\n' });
  expect(run('diff', 'full', 'full')).toEqual({ status: 0, text: '' });
  expect(run('verify', 'delta')).toEqual({ status: 0, text: 'delta: whole\n' });
});

test.each([
  ['verify', 'delta'],
  ['flatten', 'delta', 'whole'],
])('%s says how far it is, and the line goes before the last word', (...words) => {
  const progress: (string | null)[] = [];
  runOn(twoSnapshots(), progress)(...words);
  expect(progress).toContainEqual(expect.stringContaining(`${words[0]}: 100 %, 4 KiB of 4 KiB`));
  expect(progress.at(-1)).toBeNull();
});

test('check names what is in the way', () => {
  const store = twoSnapshots();
  const run = runOn(store);
  expect(run('check', 'delta')).toEqual({ status: 0, text: 'delta: can be resumed here\n' });
  spoil(store, 'delta/state.cbor', Buffer.from('x'));
  expect(run('check', 'delta')).toMatchObject({
    status: 1,
    text: expect.stringContaining('restore the folder from a copy'),
  });
});

test('check lists the values of the host, with -o as they would be', () => {
  const store = temporaryStore();
  const machine = buildMachine(
    { memory: MEMORY, boot: { kernel: '/none/kernel', commandLine: '' } },
    { restored: true },
  );
  machine.resume();
  machine.pause();
  saveMachine(machine, store, 'one');
  machine.close();
  const run = runOn(store);
  expect(run('check', 'one')).toEqual({
    status: 0,
    text: 'boot.kernel = /none/kernel (not there); -o boot.kernel=... replaces it\none: can be resumed here\n',
  });
  expect(run('check', 'one', '-o', `boot.kernel=${__filename}`).text).toContain(`boot.kernel = ${__filename};`);
  expect(() => run('check', 'one', '-o', 'memory.size=4')).toThrow('memory.size: ');
  expect(() => run('check', 'one', '-o', 'pci.0.3.0.path=/x')).toThrow('lets -o replace boot.kernel');
  expect(() => run('check', 'one', '-o', 'nonsense')).toThrow("'nonsense' is not of the form name=value");
  expect(() => run('ls', '-o', 'a=b')).toThrow("unknown option '-o'");
});

test('flatten makes a parent free to be removed', () => {
  const store = twoSnapshots();
  const run = runOn(store);
  expect(() => run('rm', 'full')).toThrow('full: in use: delta build on it');
  expect(run('flatten', 'delta', 'whole').text).toBe('whole: made from delta\n');
  expect(run('rm', 'delta', 'full').status).toBe(0);
  expect(store.list().map(({ name }) => name)).toEqual(['whole']);
  expect(run('verify', 'whole').status).toBe(0);
});

test.each([
  [['melt'], "unknown command 'melt'"],
  [['show'], "missing required argument 'name'"],
  [['show', 'none'], 'none: no snapshot of this name'],
  [['diff', 'a', 'b', 'c'], 'too many arguments'],
])('%j is refused', (words, message) => {
  expect(() => runOn(temporaryStore())(...words)).toThrow(message);
});

test('without words it prints its help', () => {
  let text = '';
  expect(
    snapshotCommand([], {
      print: (part) => {
        text += part;
      },
      progress: () => {},
    }),
  ).toBe(0);
  expect(text).toMatch(/^Usage: tsbhyve snapshot[\s\S]*flatten/);
});
