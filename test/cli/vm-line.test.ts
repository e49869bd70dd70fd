// SPDX-License-Identifier: BSD-2-Clause
import { VmLine } from '../../src/cli/vm-line.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function line(room: () => number) {
  const seen = { typed: '', rooms: 0, outputs: 0, holds: [] as boolean[], told: [] as unknown[] };
  const made = new VmLine({
    type: async (given) => {
      const taken = Math.min(room(), given.length);
      seen.typed += Buffer.from(given.subarray(0, taken)).toString('latin1');
      return taken;
    },
    typeAll: async (given) => {
      seen.typed += Buffer.from(given).toString('latin1');
    },
    attached: (isAttached) => seen.told.push(isAttached),
    resized: (columns, rows) => seen.told.push([columns, rows]),
    inputRoom: () => {
      seen.rooms += 1;
    },
    outputReady: () => {
      seen.outputs += 1;
    },
    hold: (held) => seen.holds.push(held),
  });
  return { line: made, seen };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one piece is on its way at a time, and the next is asked for when the machine has taken it', async () => {
  const { line: vmLine, seen } = line(() => 100);
  expect(vmLine.offerInput(bytes('abc'))).toBe(3);
  expect(vmLine.offerInput(bytes('def'))).toBe(0);
  await settled();
  expect(seen).toMatchObject({ typed: 'abc', rooms: 1 });
  expect(vmLine.offerInput(bytes('def'))).toBe(3);
});

test('a large offer is taken in pieces, in order and complete', async () => {
  const { line: vmLine, seen } = line(() => 1000);
  const paste = 'x'.repeat(5000) + 'y'.repeat(5000);
  for (let rest = bytes(paste); rest.length > 0; await settled()) rest = rest.subarray(vmLine.offerInput(rest));
  expect(seen.typed).toBe(paste);
});

test('output is kept until it is taken, and of a guest that writes far ahead no more is fetched', () => {
  const { line: vmLine, seen } = line(() => 0);
  vmLine.receive(bytes('one '));
  vmLine.receive(bytes('two'));
  expect(String(vmLine.takeOutput())).toBe('one two');
  expect(vmLine.takeOutput()).toHaveLength(0);
  expect(seen).toMatchObject({ outputs: 2, holds: [] });
  for (let index = 0; index < 3; index += 1) vmLine.receive(Buffer.alloc(600_000));
  expect(seen.holds).toEqual([true]);
  expect(vmLine.takeOutput()).toHaveLength(1_800_000);
  expect(seen.holds).toEqual([true, false]);
});

test('input is settled when the machine has all of it, or takes no more', async () => {
  let room = 5000;
  const { line: vmLine, seen } = line(() => room);
  await vmLine.inputSettled();
  vmLine.offerInput(bytes('x'.repeat(4096)));
  await vmLine.inputSettled();
  expect(seen.typed).toHaveLength(4096);
  room = 0;
  vmLine.offerInput(bytes('y'));
  await vmLine.inputSettled();
  expect(seen.typed).toHaveLength(4096);
  room = 1;
  await vmLine.inputSettled();
  expect(seen.typed).toHaveLength(4097);
});

test('the last input before a suspend is typed behind what is on its way, although the guest takes none', async () => {
  const { line: vmLine, seen } = line(() => 0);
  vmLine.offerInput(bytes('abc'));
  const finished = vmLine.finishInput(bytes('def'));
  expect(vmLine.offerInput(bytes('too early'))).toBe(0);
  await finished;
  expect(seen).toMatchObject({ typed: 'abcdef', rooms: 0 });
  expect(vmLine.offerInput(bytes('ghi'))).toBe(3);
});

test('who is at the other end, and how large the terminal is, goes on to the machine', () => {
  const { line: vmLine, seen } = line(() => 100);
  vmLine.attached(true);
  vmLine.resized(80, 24);
  vmLine.attached(false);
  expect(seen.told).toEqual([true, [80, 24], false]);
});
