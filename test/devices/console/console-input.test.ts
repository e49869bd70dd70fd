// SPDX-License-Identifier: BSD-2-Clause
import { ConsoleInput, type TypedStep } from '../../../devices/console/console-input.js';
import { ManualClock } from '../../../src/core/clock.js';
import { deviceContract } from '../../contract/device.contract.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const at = (time: bigint, send: string): TypedStep => ({ send: bytes(send), at: time, after: null });
const after = (text: string, send: string): TypedStep => ({ send: bytes(send), at: null, after: bytes(text) });

function consoleWith(...script: TypedStep[]) {
  const clock = new ManualClock();
  const received: number[] = [];
  const receiver = { room: 1000 };
  const input = new ConsoleInput('com1-input', {
    clock,
    script,
    receive(byte) {
      if (received.length >= receiver.room) return false;
      received.push(byte);
      return true;
    },
  });
  const says = (text: string) => {
    for (const byte of bytes(text)) input.saw(byte);
  };
  return { clock, input, receiver, says, received: () => String.fromCharCode(...received) };
}

test('typed bytes wait for room and keep their order', () => {
  const { input, receiver, received } = consoleWith();
  receiver.room = 2;
  expect(input.type(bytes('hello'))).toBe(5);
  expect(received()).toBe('he');
  receiver.room = 4;
  input.offer();
  expect(received()).toBe('hell');
  input.type(bytes('!'));
  receiver.room = 10;
  input.offer();
  expect(received()).toBe('hello!');
});

test('the last bytes before a save find room beyond what may be typed', () => {
  const { input, receiver, received } = consoleWith();
  receiver.room = 0;
  input.type(new Uint8Array(65_536).fill(0x78));
  input.typeAll(bytes('last'));
  expect(input.type(bytes('refused'))).toBe(0);
  expect(() => input.typeAll(new Uint8Array(500_000))).toThrow('expected at most 458748');
  receiver.room = 100_000;
  input.offer();
  expect(received()).toBe(`${'x'.repeat(65_536)}last`);
});

test('no more than 65536 bytes wait', () => {
  const { input, receiver } = consoleWith();
  receiver.room = 0;
  expect(input.type(new Uint8Array(65_000))).toBe(65_000);
  expect(input.type(new Uint8Array(1000))).toBe(536);
});

test('a script types at its time', () => {
  const { clock, received } = consoleWith(at(1000n, 'a'), at(5000n, 'b'));
  clock.advanceTo(999n);
  expect(received()).toBe('');
  clock.advanceTo(1000n);
  expect(received()).toBe('a');
  clock.advanceTo(5000n);
  expect(received()).toBe('ab');
});

test('a script types after its text, which must come after the step before', () => {
  const { says, received } = consoleWith(after('login: ', 'root\n'), after('# ', 'ls\n'), after('# ', 'exit\n'));
  says('# # lologin:');
  expect(received()).toBe('');
  says(' ');
  expect(received()).toBe('root\n');
  says('motd\r\n# ');
  expect(received()).toBe('root\nls\n');
  says('file\r\n# ');
  expect(received()).toBe('root\nls\nexit\n');
  says('# ');
  expect(received()).toBe('root\nls\nexit\n');
});

test('a restored script goes on in the middle of a text', () => {
  const first = consoleWith(after('ready', 'go'));
  first.says('rea');
  const second = consoleWith(after('ready', 'go'));
  second.input.deserialize(first.input.serialize());
  second.says('dy');
  expect(second.received()).toBe('go');
});

test('a text that is empty or too long is refused', () => {
  expect(() => consoleWith(after('', 'x'))).toThrow('script[0].after: expected 1 to 256 bytes');
});

deviceContract(
  'console-input',
  (rig) =>
    new ConsoleInput('com1-input', { receive: () => false, clock: rig.clock, script: [after('a', 'b'), at(10n, 'c')] }),
  {
    operate(input) {
      input.type(bytes('xyz'));
      input.saw(0x61);
    },
  },
);
