// SPDX-License-Identifier: BSD-2-Clause
import { SinkLogger } from '../../src/core/log.js';
import { ConsoleRing, consoleRingMemory } from '../../src/machine/console-ring.js';
import { RingOutputs } from '../../src/machine/ring-outputs.js';

function rig() {
  const memory = consoleRingMemory(4);
  const reader = new ConsoleRing(memory);
  const [events, lines]: [string[], string[]] = [[], []];
  const outputs = new RingOutputs(
    { com1: memory },
    { written: (port) => events.push(port), rest: (port, bytes) => events.push(`${port} rest ${text(bytes)}`) },
    new SinkLogger((_level, _scope, message) => lines.push(message)),
  );
  const write = (words: string): void => {
    for (const byte of Buffer.from(words)) outputs.sinks.com1?.write(byte);
  };
  return { outputs, reader, events, lines, write, room: () => outputs.sinks.com1?.room };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('the reader is told of the first byte, and gets all', () => {
  const { reader, events, write } = rig();
  write('abcd');
  expect([text(reader.take()), ...events]).toEqual(['abcd', 'com1']);
});

test('what a full ring has no room for is lost, and that is said once', () => {
  const { reader, lines, write, outputs } = rig();
  write('abcdef');
  expect(text(reader.take())).toBe('abcd');
  write('ghijkl');
  expect(text(reader.take())).toBe('ghij');
  expect(outputs.flush()).toBe(true);
  expect(lines).toEqual(['com1: some of what the guest writes is lost: it is not read so fast']);
});

test('who asks how much room there is hears of it when there is some again', () => {
  const { reader, write, room } = rig();
  expect(room()).toBe(4);
  write('abc');
  expect([room(), reader.takeQuestion()]).toEqual([1, false]);
  write('d');
  expect(room()).toBe(0);
  reader.take();
  expect([room(), reader.takeQuestion()]).toEqual([4, true]);
});

describe('where the guest must not notice its reader', () => {
  function patient() {
    const made = rig();
    made.outputs.keepAll(() => made.events.push('full'));
    return made;
  }

  test('all is kept in order, and the machine hears that it has to wait', () => {
    const { reader, events, write, outputs, room } = patient();
    expect(room()).toBeUndefined();
    write('abcdefghij');
    expect(events).toEqual(['com1', 'full']);
    expect(outputs.flush()).toBe(false);
    const parts = [text(reader.take())];
    expect([outputs.flush(), reader.takeQuestion()]).toEqual([false, true]);
    write('k'); // behind the rest
    parts.push(text(reader.take()));
    expect(outputs.flush()).toBe(true);
    parts.push(text(reader.take()));
    expect(parts).toEqual(['abcd', 'efgh', 'ijk']);
  });

  test('what is kept of a machine that has stopped goes to the reader without the ring', () => {
    const { reader, events, write, outputs } = patient();
    write('abcdef');
    outputs.end();
    outputs.end();
    expect(events).toEqual(['com1', 'full', 'com1 rest ef']);
    expect([text(reader.take()), outputs.flush()]).toEqual(['abcd', true]);
  });

  test('it is not kept without bound', () => {
    const { write, outputs, events, lines } = patient();
    write('x'.repeat(4 + 1024 * 1024 + 1));
    outputs.end();
    expect(events.at(-1)).toHaveLength('com1 rest '.length + 1024 * 1024);
    expect(lines).toHaveLength(1);
  });
});
