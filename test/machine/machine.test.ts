// SPDX-License-Identifier: BSD-2-Clause
import type { FakeGuest, FakeStep } from '../../src/hypervisor/fake-guest.js';
import { runUntil, runUntilStopped } from '../../src/machine/run.js';
import { fakeMachine } from '../support/fake-machine.js';

const out = (port: number, value: number, width: 1 | 2 | 4 = 1): FakeStep => ({ do: 'out', port, value, width });

function script(...steps: FakeStep[]): FakeGuest {
  return function* () {
    yield* steps;
  };
}

const forever: FakeGuest = function* () {
  for (;;) yield { do: 'spend', instructions: 1000 };
};

function stopReasonOf(guest: FakeGuest, config: Parameters<typeof fakeMachine>[1] = {}) {
  const { machine } = fakeMachine(guest, config);
  machine.resume();
  return runUntilStopped(machine);
}

describe('how a machine ends', () => {
  test('power off through PM1', () => {
    expect(stopReasonOf(script(out(0x404, 0x3400, 2)))).toEqual({ kind: 'power-off' });
  });

  test.each([
    ['the reset control register', [out(0xcf9, 2), out(0xcf9, 6)]],
    ['port 0x92', [out(0x92, 1)]],
    ['the keyboard controller', [out(0x64, 0xfe)]],
  ])('reset through %s', (_name, steps) => {
    expect(stopReasonOf(script(...steps))).toEqual({ kind: 'reset' });
  });

  test('triple fault', () => {
    expect(stopReasonOf(script({ do: 'triple-fault' }))).toEqual({ kind: 'triple-fault' });
  });

  test('HLT with interrupts off', () => {
    expect(stopReasonOf(script({ do: 'cli-hlt' }))).toEqual({ kind: 'halted' });
  });

  test('what the engine cannot go on from, in its words', () => {
    expect(stopReasonOf(script({ do: 'break-down', reason: 'the wheels came off' }))).toEqual({
      kind: 'error',
      message: 'at RIP 0x0: the wheels came off',
    });
  });

  test('the debug exit, only on a machine that has it', () => {
    expect(stopReasonOf(script(out(0xf4, 3)), { pcTestdev: true })).toEqual({ kind: 'debug-exit', status: 7 });
    expect(stopReasonOf(script(out(0xf4, 3)))).toEqual({ kind: 'halted' });
  });
});

describe('exits', () => {
  test('nobody at home reads as all ones and is said once', () => {
    const seen: (bigint | null)[] = [];
    const { machine, log } = fakeMachine(function* () {
      for (let round = 0; round < 3; round += 1) {
        seen.push(yield { do: 'in', port: 0x1234, width: 2 });
        seen.push(yield { do: 'load', address: 0xd000_0000, width: 8 });
        yield { do: 'store', address: 0xd000_0000, value: 5n, width: 4 };
      }
    });
    machine.resume();
    runUntilStopped(machine);
    expect(seen.slice(0, 2)).toEqual([0xffffn, 0xffff_ffff_ffff_ffffn]);
    expect(log).toEqual([
      'info port 0x1234: 2-byte read, but no device is there',
      'info address 0xd0000000: 4-byte read, but no device is there',
      'info address 0xd0000004: 4-byte read, but no device is there',
    ]);
  });

  test('an access to an absent port ends a machine that is strict about ports', () => {
    const { machine } = fakeMachine(
      function* () {
        yield { do: 'in', port: 0x1234, width: 2 };
      },
      { strictPorts: true },
    );
    machine.resume();
    expect(runUntilStopped(machine)).toEqual({
      kind: 'error',
      message: 'port 0x1234: 2-byte read, but no device is there (-e)',
    });
  });

  test.each([
    [false, null],
    [true, 0n],
  ])('unknown MSRs when they are to be ignored: %s', (ignoreUnknownMsrs, answer) => {
    const seen: (bigint | null)[] = [];
    const { machine, log } = fakeMachine(
      function* () {
        seen.push(yield { do: 'rdmsr', msr: 0xc001_1029 });
        seen.push(yield { do: 'wrmsr', msr: 0xc001_1029, value: 1n });
      },
      { ignoreUnknownMsrs },
    );
    machine.resume();
    runUntilStopped(machine);
    expect(seen[0]).toBe(answer);
    expect(seen[1] === null).toBe(answer === null);
    expect(log).toEqual(['info MSR 0xc0011029: read, but it is unknown']);
  });

  test('a timer interrupt reaches a halted guest through the 8259, when it is due', () => {
    const vectors: (bigint | null)[] = [];
    const { machine } = fakeMachine(function* () {
      for (const [port, value] of [
        [0x20, 0x11],
        [0x21, 0x20],
        [0x21, 0x04],
        [0x21, 0x01],
        [0x21, 0xfe],
        [0x43, 0x34],
        [0x40, 0xa9],
        [0x40, 0x04],
      ] as const) {
        yield out(port, value);
      }
      for (let tick = 0; tick < 3; tick += 1) {
        vectors.push(yield { do: 'hlt' });
        yield out(0x20, 0x20);
      }
    });
    machine.resume();
    runUntilStopped(machine);
    expect(vectors).toEqual([0x20n, 0x20n, 0x20n]);
    expect(machine.time).toBeGreaterThan(2_990_000n);
    expect(machine.time).toBeLessThan(3_010_000n);
  });

  test('a level-triggered interrupt that is still asserted comes again after its EOI', () => {
    const vectors: (bigint | null)[] = [];
    const ioapic = (index: number, value: number): FakeStep[] => [
      { do: 'store', address: 0xfec00000, value: BigInt(index) },
      { do: 'store', address: 0xfec00010, value: BigInt(value) },
    ];
    const { machine } = fakeMachine(function* () {
      yield* ioapic(0x10 + 2 * 9, 0x8051); // SCI: level, vector 0x51
      yield out(0xb2, 0xa0); // ACPI on
      yield out(0x402, 0x100, 2); // power button enabled
      vectors.push(yield { do: 'hlt' });
      yield { do: 'eoi', vector: 0x51 };
      vectors.push(yield { do: 'hlt' });
      yield out(0x400, 0x100, 2); // status cleared: the line falls
      yield { do: 'eoi', vector: 0x51 };
      yield { do: 'hlt' };
    });
    machine.resume();
    expect(runUntil(machine, 1_000_000n)).toBe('limit');
    expect(machine.pressPowerButton()).toBe(true);
    expect(runUntil(machine, 2_000_000n)).toBe('limit');
    expect(vectors).toEqual([0x51n, 0x51n]);
  });

  test('typed bytes wait until the guest takes them', () => {
    const read: (bigint | null)[] = [];
    const { machine } = fakeMachine(function* () {
      for (let count = 0; count < 5; count += 1) read.push(yield { do: 'in', port: 0x3f8 });
    });
    expect(machine.type('com1', Uint8Array.of(1, 2, 3, 4, 5))).toBe(5);
    machine.resume();
    runUntilStopped(machine);
    expect(read).toEqual([1n, 2n, 3n, 4n, 5n]);
  });
});

describe('life', () => {
  test('a machine runs, pauses, runs on and stops', () => {
    const { machine } = fakeMachine(forever);
    expect(machine.state).toBe('built');
    machine.resume();
    expect(runUntil(machine, 5_000n)).toBe('limit');
    machine.pause();
    expect(machine.state).toBe('paused');
    expect(() => machine.runSlice()).toThrow('cannot run a machine that is paused');
    machine.resume();
    expect(runUntil(machine, 6_000n)).toBe('limit');
    expect(machine.time).toBe(6_000n);
    machine.powerOff();
    expect(machine.state).toBe('stopped');
    expect(machine.stopReason).toEqual({ kind: 'requested' });
  });

  test('a slice ends although the guest never does', () => {
    const { machine } = fakeMachine(function* () {
      for (;;) yield { do: 'in', port: 0x61 };
    });
    machine.resume();
    expect(machine.runSlice()).toBe('ran');
  });

  test('a halted guest without anything to wait for leaves the thread alone', () => {
    const { machine } = fakeMachine(script({ do: 'hlt' }));
    machine.resume();
    expect(runUntil(machine, 0x7fff_ffff_ffff_ffffn)).toBe('idle');
    expect(machine.idleTime).toBeNull();
  });

  test('a reset starts the guest and the devices again, and CMOS lives on', () => {
    let starts = 0;
    const seen: (bigint | null)[] = [];
    const { machine } = fakeMachine(function* () {
      starts += 1;
      yield out(0x70, 0x50);
      if (starts === 1) {
        yield out(0x71, 0x77);
        yield out(0x3ff, 0x12);
        yield out(0xcf9, 6);
      } else {
        seen.push(yield { do: 'in', port: 0x71 }, yield { do: 'in', port: 0x3ff });
      }
    });
    machine.resume();
    expect(runUntilStopped(machine)).toEqual({ kind: 'reset' });
    machine.reset();
    machine.resume();
    expect(runUntilStopped(machine)).toEqual({ kind: 'halted' });
    expect(seen).toEqual([0x77n, 0n]);
  });

  test('close works in every state and twice, and nothing runs after it', () => {
    const { machine } = fakeMachine(forever);
    machine.resume();
    machine.runSlice();
    machine.close();
    machine.close();
    expect(machine.state).toBe('closed');
    expect(() => machine.runSlice()).toThrow('closed');
    fakeMachine(forever).machine.close();
  });
});

describe('a device whose host hangs', () => {
  function hung() {
    const made = fakeMachine(forever);
    const { machine } = made;
    const { devices } = machine.parts.board;
    const [device] = devices.slice(-1);
    if (device === undefined) throw new Error('a machine without devices');
    const closed = jest.spyOn(devices[0] ?? device, 'close');
    return { ...made, device, closed };
  }
  const hang = (): never => {
    throw new Error('disk /d: the host has not finished a request');
  };

  test('cannot be paused, and the machine runs on', () => {
    const { machine, device } = hung();
    machine.resume();
    const pausing = jest.spyOn(device, 'pause').mockImplementation(hang);
    expect(() => machine.pause()).toThrow('disk /d: the host has not finished a request');
    expect(machine.state).toBe('running');
    const before = machine.time;
    runUntil(machine, before + 5000n);
    expect(machine.time).toBe(before + 5000n);
    pausing.mockRestore();
    machine.pause();
    expect(machine.state).toBe('paused');
  });

  test('does not keep the others open', () => {
    const { machine, device, engine, closed } = hung();
    jest.spyOn(device, 'close').mockImplementation(hang);
    expect(() => machine.close()).toThrow('disk /d: the host has not finished a request');
    expect(machine.state).toBe('closed');
    expect(closed).toHaveBeenCalled();
    expect(() => engine.getTime()).toThrow('closed');
  });
});
