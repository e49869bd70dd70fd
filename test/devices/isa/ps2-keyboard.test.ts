// SPDX-License-Identifier: BSD-2-Clause
import { Ps2Keyboard } from '../../../devices/isa/ps2-keyboard.js';
import { deviceContract } from '../../contract/device.contract.js';

function make() {
  const keyboard = new Ps2Keyboard('keyboard', { onData: () => {}, onSpace: () => {} });
  const drain = (): number[] => {
    const bytes: number[] = [];
    while (keyboard.hasData()) bytes.push(keyboard.take());
    return bytes;
  };
  const send = (...bytes: number[]): number[] => {
    for (const byte of bytes) keyboard.receive(byte);
    return drain();
  };
  return { keyboard, drain, send };
}

test.each([
  ['reset and self test', [0xff], [0xfa, 0xaa]],
  ['identify', [0xf2], [0xfa, 0xab, 0x83]],
  ['echo', [0xee], [0xee]],
  ['typematic rate', [0xf3, 0x20], [0xfa, 0xfa]],
  ['enable', [0xf4], [0xfa]],
  ['disable', [0xf5], [0xfa]],
  ['set defaults', [0xf6], [0xfa]],
  ['read the scan code set', [0xf0, 0x00], [0xfa, 0xfa, 0x02]],
  ['choose set 1 and read it', [0xf0, 0x01, 0xf0, 0x00], [0xfa, 0xfa, 0xfa, 0xfa, 0x01]],
  ['set 3 is not there', [0xf0, 0x03], [0xfa, 0xfe]],
  ['an unknown command', [0xe1], [0xfe]],
  ['a command in place of a parameter', [0xed, 0xee], [0xfa, 0xee]],
])('%s: %p is answered by %p', (_, bytes, answer) => {
  expect(make().send(...bytes)).toEqual(answer);
});

test('LEDs are kept for the host to show', () => {
  const { keyboard, send } = make();
  expect(send(0xed, 0x06)).toEqual([0xfa, 0xfa]);
  expect(keyboard.leds).toBe(0x06);
});

test('resend repeats the last byte', () => {
  const { keyboard, drain, send } = make();
  keyboard.press([0x1c]);
  drain();
  expect(send(0xfe)).toEqual([0x1c]);
});

test('a key event is taken whole or not at all, up to 16 bytes', () => {
  const { keyboard, drain } = make();
  for (let i = 0; i < 5; i++) expect(keyboard.press([0xe0, 0xf0, 0x75])).toBe(true);
  expect(keyboard.press([0xf0, 0x1c])).toBe(false);
  expect(keyboard.press([0x1c])).toBe(true);
  expect(drain()).toHaveLength(16);
});

test('while disabled, keys are dropped and commands answered', () => {
  const { keyboard, drain, send } = make();
  send(0xf5);
  expect(keyboard.press([0x1c])).toBe(true);
  expect(drain()).toEqual([]);
  expect(send(0xf4)).toEqual([0xfa]);
  keyboard.press([0x1c]);
  expect(drain()).toEqual([0x1c]);
});

test('set 1 turns break prefixes into bit 7', () => {
  const { keyboard, drain, send } = make();
  send(0xf0, 0x01);
  keyboard.press([0x1c, 0xf0, 0x1c, 0xe0, 0xf0, 0x75]);
  expect(drain()).toEqual([0x1e, 0x9e, 0xe0, 0xc8]);
});

test('a guest that never reads is answered no more, and nothing breaks', () => {
  const { keyboard, drain } = make();
  for (let i = 0; i < 100; i++) keyboard.receive(0xf2);
  expect(drain().length).toBeLessThanOrEqual(32);
});

deviceContract(
  'ps2-keyboard',
  (rig) =>
    new Ps2Keyboard('keyboard', {
      onData: () => rig.effects.push('data'),
      onSpace: () => rig.effects.push('space'),
    }),
  {
    operate: (keyboard) => {
      keyboard.receive(0xed);
      keyboard.receive(0x04);
      keyboard.take();
      keyboard.receive(0xf3);
      keyboard.press([0x1c]);
    },
  },
);
