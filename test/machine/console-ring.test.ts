// SPDX-License-Identifier: BSD-2-Clause
import { ConsoleRing, consoleRingMemory } from '../../src/machine/console-ring.js';

function ends(capacity: number) {
  const memory = consoleRingMemory(capacity);
  return { writer: new ConsoleRing(memory), reader: new ConsoleRing(memory), memory };
}

test('bytes arrive in order, also around the end', () => {
  const { writer, reader } = ends(8);
  const seen: number[] = [];
  for (let byte = 0; byte < 100; byte += 1) {
    writer.push(byte);
    if (byte % 7 === 6) seen.push(...reader.take());
  }
  seen.push(...reader.take());
  expect(seen).toEqual(Array.from({ length: 100 }, (_, byte) => byte));
});

test('the first byte after an empty ring asks for the reader, others do not', () => {
  const { writer, reader } = ends(8);
  expect([writer.push(1), writer.push(2)]).toEqual([true, false]);
  reader.take();
  expect(writer.push(3)).toBe(true);
});

test('a full ring says so until something is taken', () => {
  const { writer, reader } = ends(4);
  for (let byte = 0; byte < 4; byte += 1) writer.push(byte);
  expect([writer.isFull, writer.room]).toEqual([true, 0]);
  expect(reader.take()).toHaveLength(4);
  expect([writer.isFull, writer.room]).toEqual([false, 4]);
});

test('a writer that asks for room is told so once, and not at all if there is some', () => {
  const { writer, reader } = ends(4);
  for (let byte = 0; byte < 4; byte += 1) writer.push(byte);
  expect([reader.takeQuestion(), writer.askForRoom()]).toEqual([false, true]);
  reader.take();
  expect([reader.takeQuestion(), reader.takeQuestion()]).toEqual([true, false]);
  expect(writer.askForRoom()).toBe(false);
});

test('the counters may wrap', () => {
  const { writer, reader, memory } = ends(8);
  new Int32Array(memory, 0, 2).fill(-3);
  for (let byte = 0; byte < 6; byte += 1) writer.push(byte);
  expect([...reader.take()]).toEqual([0, 1, 2, 3, 4, 5]);
  expect(reader.length).toBe(0);
});

test('only powers of two are sizes', () => {
  expect(() => consoleRingMemory(100)).toThrow('ring of 100 bytes: expected a power of two');
});
