// SPDX-License-Identifier: BSD-2-Clause
import { I8042 } from '../../../devices/isa/i8042.js';
import { Ps2Keyboard } from '../../../devices/isa/ps2-keyboard.js';
import { deviceContract } from '../../contract/device.contract.js';
import { GuestDriver } from '../../support/guest-driver.js';
import { RecordingIrq } from '../../support/recording-irq.js';

const DATA = 0x60;
const COMMAND = 0x64;

function make(onSpace: (keyboard: Ps2Keyboard) => void = () => {}) {
  const irq = new RecordingIrq();
  const a20 = new RecordingIrq();
  let resets = 0;
  const keyboard: Ps2Keyboard = new Ps2Keyboard('keyboard', {
    onData: () => i8042.serve(),
    onSpace: () => onSpace(keyboard),
  });
  const i8042: I8042 = new I8042('i8042', { keyboard, irq, a20, onReset: () => resets++ });
  const guest = new GuestDriver()
    .attach('data', DATA, 1, i8042.dataPort())
    .attach('command', COMMAND, 1, i8042.commandPort());
  const read = (): number[] => {
    const bytes: number[] = [];
    while (guest.in(COMMAND) & 0x01) bytes.push(guest.in(DATA));
    return bytes;
  };
  const command = (value: number, ...parameters: number[]): number[] => {
    guest.out(COMMAND, value);
    for (const parameter of parameters) guest.out(DATA, parameter);
    return read();
  };
  return { irq, a20, keyboard, i8042, guest, read, command, resets: () => resets };
}

test('status at power-on: unlocked, system flag, nothing to read', () => {
  expect(make().guest.in(COMMAND)).toBe(0x14);
});

test('status bit 3 tells which port was written last', () => {
  const { guest, command } = make();
  command(0xae);
  expect(guest.in(COMMAND) & 0x08).toBe(0x08);
  guest.out(DATA, 0xee);
  expect(guest.in(COMMAND) & 0x08).toBe(0x00);
});

test.each([
  ['self test', [0xaa], [0x55]],
  ['keyboard interface test', [0xab], [0x00]],
  ['command byte', [0x20], [0x65]],
  ['input port', [0xc0], [0x80]],
  ['output port: A20 on, not in reset', [0xd0], [0xcf]],
  ['keyboard buffer', [0xd2, 0x1e], [0x1e]],
  ['an unknown command', [0x99], []],
] as const)('%s: %p is answered by %p', (_, [value, ...parameters], answer) => {
  expect(make().command(value, ...parameters)).toEqual(answer);
});

describe('no auxiliary port', () => {
  test('its interface test fails with a code that Linux and FreeBSD take for absence', () => {
    expect(make().command(0xa9)).toEqual([0x04]);
  });

  test('its loopback byte is not marked as auxiliary data', () => {
    const { guest } = make();
    guest.out(COMMAND, 0xd3);
    guest.out(DATA, 0x5a);
    expect(guest.in(COMMAND) & 0x21).toBe(0x01);
  });

  test('its disable bit cannot be cleared', () => {
    const { command } = make();
    command(0xa8);
    expect(command(0x20)).toEqual([0x65]);
    command(0x60, 0x00);
    expect(command(0x20)).toEqual([0x20]);
  });

  test('bytes for it vanish', () => {
    expect(make().command(0xd4, 0xff)).toEqual([]);
  });
});

describe('keyboard data', () => {
  test('keys are translated to set 1, one interrupt edge a byte', () => {
    const { keyboard, irq, read } = make();
    keyboard.press([0x1c]);
    keyboard.press([0xf0, 0x1c]);
    expect(irq.risingEdges).toBe(1);
    expect(read()).toEqual([0x1e, 0x9e]);
    expect(irq.risingEdges).toBe(2);
    expect(irq.level).toBe(false);
  });

  test.each([
    ['F7', [0x83], [0x41]],
    ['left Alt and SysRq', [0x84], [0x54]],
    ['right Ctrl, pressed and released', [0xe0, 0x14, 0xe0, 0xf0, 0x14], [0xe0, 0x1d, 0xe0, 0x9d]],
    ['Esc', [0x76], [0x01]],
    ['Enter', [0x5a], [0x1c]],
    ['Space', [0x29], [0x39]],
    ['F1 and F12', [0x05, 0x07], [0x3b, 0x58]],
    ['Pause', [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77], [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5]],
  ])('translation of %s', (_, pressed, seen) => {
    const { keyboard, read } = make();
    keyboard.press(pressed);
    expect(read()).toEqual(seen);
  });

  test('every set 2 code has its own set 1 code', () => {
    const { keyboard, read } = make();
    const seen = new Set<number>();
    for (let code = 1; code < 0x80; code++) {
      keyboard.press([code]);
      for (const byte of read()) seen.add(byte);
    }
    expect(seen.size).toBe(127);
  });

  test('keys that the host kept arrive whole and in order, however fast it offers them', () => {
    const codes = Array.from({ length: 500 }, (_, i) => (i % 0x7f) + 1);
    const waiting: number[] = [];
    const offer = (keyboard: Ps2Keyboard): void => {
      while (waiting[0] !== undefined && keyboard.press([0xf0, waiting[0]])) waiting.shift();
    };
    const { keyboard, command, read } = make(offer);
    command(0x60, 0x05);
    waiting.push(...codes);
    offer(keyboard);
    expect(read()).toEqual(codes.flatMap((code) => [0xf0, code]));
  });

  test('without translation set 2 passes unchanged', () => {
    const { keyboard, command, read } = make();
    command(0x60, 0x05);
    keyboard.press([0xf0, 0x1c]);
    expect(read()).toEqual([0xf0, 0x1c]);
  });

  test('commands for the keyboard are answered through the controller, the identity in its translated form', () => {
    const { guest, read } = make();
    guest.out(DATA, 0xf2);
    expect(read()).toEqual([0xfa, 0xab, 0x41]);
  });

  test('a disabled interface holds bytes back until it is enabled', () => {
    const { keyboard, command, read } = make();
    command(0xad);
    keyboard.press([0x1c]);
    expect(read()).toEqual([]);
    expect(command(0xae)).toEqual([0x1e]);
  });

  test('a byte for the keyboard enables the interface', () => {
    const { guest, command, read } = make();
    command(0xad);
    guest.out(DATA, 0xee);
    expect(read()).toEqual([0xee]);
  });

  test('with the interrupt masked data waits silently, and unmasking it raises the line', () => {
    const { keyboard, irq, guest } = make();
    guest.out(COMMAND, 0x60);
    guest.out(DATA, 0x44);
    keyboard.press([0x1c]);
    expect(irq.level).toBe(false);
    guest.out(COMMAND, 0x60);
    guest.out(DATA, 0x45);
    expect(irq.level).toBe(true);
  });

  test('reading an empty buffer gives the last byte again', () => {
    const { guest, command } = make();
    command(0xaa);
    expect(guest.in(DATA)).toBe(0x55);
  });
});

describe('reset and A20', () => {
  test.each([
    [0xfe, 1],
    [0xf0, 1],
    [0xff, 0],
    [0xf1, 0],
  ])('pulse command %p resets %p times', (value, times) => {
    const { command, resets } = make();
    command(value);
    expect(resets()).toBe(times);
  });

  test('output port bit 0 at zero resets', () => {
    const { command, resets } = make();
    command(0xd1, 0xce);
    expect(resets()).toBe(1);
  });

  test('A20 follows output port bit 1 and the two short commands', () => {
    const { command, a20 } = make();
    command(0xd1, 0xcd);
    command(0xdf);
    command(0xdd);
    expect(a20.sets).toEqual([false, true, false]);
    expect(command(0xd0)).toEqual([0xcd]);
  });
});

test('a restored controller delivers the byte that was waiting', () => {
  const before = make();
  before.keyboard.press([0x1c, 0xf0, 0x1c]);
  const after = make();
  after.keyboard.deserialize(before.keyboard.serialize());
  after.i8042.deserialize(before.i8042.serialize());
  expect(after.irq.adopted).toEqual([true]);
  expect(after.irq.sets).toEqual([]);
  expect(after.read()).toEqual([0x1e, 0x9e]);
});

deviceContract(
  'i8042',
  (rig) =>
    new I8042('i8042', {
      keyboard: {
        hasData: () => false,
        take: () => 0,
        receive: (byte) => void rig.effects.push(`keyboard ${byte}`),
        offerSpace: () => rig.effects.push('space'),
      },
      irq: rig.line(),
      a20: rig.line(),
      onReset: () => rig.effects.push('reset'),
    }),
  {
    operate: (i8042) => {
      const command = i8042.commandPort();
      command.write(0, 1, 0xdd);
      command.write(0, 1, 0xaa);
      command.write(0, 1, 0x20);
      command.write(0, 1, 0x60);
    },
  },
);
