// SPDX-License-Identifier: BSD-2-Clause
/** The proof with a small guest on the soft engine: timer interrupts, halts, port I/O, memory all over. */
import { type CborMap, decode, encode, isMap } from '../../src/core/cbor.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { buildMachine } from '../../src/machine/build.js';
import { runUntil } from '../../src/machine/run.js';
import { type ProofSubject, runTo } from '../support/proof.js';
import { loadTickGuest } from '../support/tick-guest.js';

const MS = 1_000_000n;

function tickSubject(clock: ClockMode): ProofSubject {
  return {
    build: (output, hashExits) =>
      buildMachine(
        { memory: 2 * 1024 * 1024, clock },
        { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits },
      ),
    start: loadTickGuest,
  };
}

const subject = tickSubject({ kind: 'virtual', numerator: 1, denominator: 1 });

test('the guest does something', () => {
  const evidence = runTo(subject, 20n * MS);
  expect(evidence.console).toHaveLength(20);
  expect(new Set(evidence.console).size).toBeGreaterThan(5);
});

test('the same run twice gives the same bits', () => {
  expect(runTo(subject, 20n * MS)).toEqual(runTo(subject, 20n * MS));
});

test('stopping on the way changes nothing', () => {
  const whole = runTo(subject, 10n * MS);
  for (const cut of [1n, 7n, 30n, 40n, 999_999n, 1_000_000n, 1_000_001n, 1_000_500n, 2_000_100n, 5_555_555n]) {
    expect(runTo(subject, 10n * MS, [cut])).toEqual(whole);
  }
});

test('many cuts in one run change nothing', () => {
  const whole = runTo(subject, 5n * MS);
  const cuts = Array.from({ length: 40 }, (_, index) => 999_000n + 137n * BigInt(index));
  expect(runTo(subject, 5n * MS, cuts)).toEqual(whole);
});

test('a rate of the virtual clock with a remainder is restored with it', () => {
  const odd = tickSubject({ kind: 'virtual', numerator: 7, denominator: 3 });
  const whole = runTo(odd, 8n * MS);
  for (const cut of [100n, 1_000_333n, 3_000_001n]) expect(runTo(odd, 8n * MS, [cut])).toEqual(whole);
});

test('dropping all caches at any time changes nothing', () => {
  const whole = runTo(subject, 4n * MS);
  const output: number[] = [];
  const machine = subject.build(output, true);
  subject.start(machine);
  machine.resume();
  for (let time = 997n; time < 4n * MS; time += 9973n) {
    expect(runUntil(machine, time)).toBe('limit');
    machine.parts.engine.dropCaches();
  }
  expect(runUntil(machine, 4n * MS)).toBe('limit');
  expect(machine.parts.hash?.digest()).toBe(whole.exits);
  expect(machine.instructions).toBe(whole.instructions);
  expect(String.fromCharCode(...output)).toBe(whole.console);
  machine.close();
});

test('the proof notices a byte of memory, a register and a device that were changed', () => {
  const whole = runTo(subject, 5n * MS);
  const cut = [2_000_300n];
  const otherMemory = runTo(subject, 5n * MS, cut, (saved) => {
    const memory = saved.memory.map((bytes) => bytes.slice());
    memory[0]?.set([0xff], 0x7000);
    return { ...saved, memory };
  });
  expect(otherMemory.memory).not.toEqual(whole.memory);
  const otherRegister = runTo(subject, 5n * MS, cut, (saved) => ({
    ...saved,
    tree: edited(saved.tree, ['vcpu', 'fields', 'registers'], (map) => ({ ...map, rdx: 1 })),
  }));
  expect(otherRegister.console).not.toBe(whole.console);
  const otherDevice = runTo(subject, 5n * MS, cut, (saved) => ({
    ...saved,
    tree: edited(saved.tree, ['devices', 'com2', 'fields'], (map) => ({ ...map, scr: 0x5a })),
  }));
  expect(otherDevice.tree).not.toEqual(whole.tree);
});

/** The tree with the map at `path` replaced. */
function edited(tree: Uint8Array, path: readonly string[], change: (map: CborMap) => CborMap): Uint8Array {
  const edit = (value: CborMap, [key, ...rest]: readonly string[]): CborMap => {
    if (key === undefined) return change(value);
    const inner = value[key];
    if (!isMap(inner)) throw new Error(`no map at ${path.join('.')}`);
    return { ...value, [key]: edit(inner, rest) };
  };
  const root = decode(tree);
  if (!isMap(root)) throw new Error('the tree is no map');
  return encode(edit(root, path));
}
