// SPDX-License-Identifier: BSD-2-Clause
import { HeldInputVm, reportLateInput } from '../../src/cli/held-input.js';
import type { ConsoleBackend } from '../../src/host/console/guest-line.js';
import type { SaveKind } from '../../src/machine/thread-save.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function rig() {
  const seen: string[] = [];
  let taken: (bytes: Uint8Array) => void = () => {};
  const backend: ConsoleBackend = {
    place: 'test',
    lateInput: 3,
    outputReady: () => {},
    inputRoom: () => {},
    close: async () => {},
    holdInput: () => {
      seen.push('hold');
      return new Promise((resolve) => {
        taken = resolve;
      });
    },
    releaseInput: () => seen.push('release'),
  };
  const line = {
    takeOutput: () => bytes(''),
    offerInput: () => 0,
    finishInput: async (rest: Uint8Array) => {
      seen.push(`finish ${Buffer.from(rest).toString()}`);
    },
  };
  let failure: Error | null = null;
  const vm = {
    line: () => line,
    save: async ({ kind }: { kind: SaveKind }) => {
      seen.push(kind);
      if (failure !== null) throw failure;
      return { name: 'vm-1', bytes: 0, stoppedMilliseconds: 0, lastPages: 0 };
    },
    cancelSave: async () => {
      seen.push('cancel');
      return true;
    },
  };
  const consoles = new Map([['com1', backend]] as const);
  const held = new HeldInputVm(vm, consoles);
  const save = (kind: SaveKind) => held.save({ kind }, () => {});
  return { seen, held, save, consoles, take: () => taken(bytes('abc')), fail: (error: Error) => (failure = error) };
}

test('what was taken before a suspend is in it, and nothing is taken any more', async () => {
  const { seen, save, take } = rig();
  const saving = save('suspend');
  take();
  await saving;
  expect(seen).toEqual(['hold', 'finish abc', 'suspend']);
});

test('a suspend that fails takes input again; a snapshot never stops to', async () => {
  const { seen, save, take, fail } = rig();
  fail(new Error('no space'));
  const saving = save('suspend');
  take();
  await expect(saving).rejects.toThrow('no space');
  expect(seen.splice(0)).toEqual(['hold', 'finish abc', 'suspend', 'release']);
  await expect(save('snapshot')).rejects.toThrow('no space');
  expect(seen).toEqual(['snapshot']);
});

test('it can be cancelled before the machine has heard of it, and afterwards the machine has to', async () => {
  const { seen, held, save, take } = rig();
  const saving = save('suspend');
  expect(await held.cancelSave()).toBe(true);
  take();
  await expect(saving).rejects.toThrow('cancelled');
  expect(seen.splice(0)).toEqual(['hold', 'finish abc', 'release']);
  expect(await held.cancelSave()).toBe(true);
  expect(seen).toEqual(['cancel']);
});

test('bytes that came too late are told', () => {
  const { consoles } = rig();
  const lines: string[] = [];
  reportLateInput(consoles, (line) => lines.push(line));
  expect(lines).toEqual(['com1: 3 typed bytes came too late for the snapshot and are lost']);
});
