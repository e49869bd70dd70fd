// SPDX-License-Identifier: BSD-2-Clause
/** What a driver and a device do with a queue, in both formats and through both interfaces. */
import fc from 'fast-check';
import { echoKind } from '../../support/echo-kind.js';
import {
  type DriverOptions,
  EVENT_IDX,
  INDIRECT_DESC,
  RING_PACKED,
  VERSION_1,
  VirtioDriver,
} from '../../support/virtio-driver.js';
import { LOW_SIZE, VirtioRig } from '../../support/virtio-rig.js';
import type { Buffer as Place } from '../../support/virtio-rings.js';

interface Format {
  readonly name: string;
  readonly options: DriverOptions;
}

const modern = (name: string, features: bigint): Format => ({ name, options: { features: VERSION_1 | features } });

const FORMATS: readonly Format[] = [
  modern('split', 0n),
  modern('split with EVENT_IDX', EVENT_IDX | INDIRECT_DESC),
  modern('packed', RING_PACKED),
  modern('packed with EVENT_IDX', RING_PACKED | EVENT_IDX | INDIRECT_DESC),
  { name: 'legacy', options: { via: 'legacy' } },
  { name: 'legacy with EVENT_IDX', options: { via: 'legacy', features: EVENT_IDX | INDIRECT_DESC } },
];

function start(options: DriverOptions, sizes: readonly number[] = [8]) {
  const rig = new VirtioRig(echoKind(sizes), 'transitional', true);
  return new VirtioDriver(rig, options).start();
}

type Driver = ReturnType<typeof start>;

/** Puts text into memory and asks for its echo. */
function say(driver: Driver, text: string, { queue = 0, room = text.length, indirect = false } = {}): Place {
  const { memory } = driver.rig;
  const out = driver.allocate(text.length);
  const into = { address: driver.allocate(room), length: room };
  memory.write(out, Buffer.from(text));
  driver.ring(queue).add([{ address: out, length: text.length }], [into], indirect ? driver.allocate(64) : undefined);
  return into;
}

const textAt = (driver: Driver, { address, length }: Place): string =>
  Buffer.from(driver.rig.memory.read(address, length)).toString();

describe.each(FORMATS)('$name', ({ options }) => {
  const features = options.features ?? 0n;

  test('a buffer goes in and comes back, with an interrupt', () => {
    const driver = start(options);
    const answer = say(driver, 'hello');
    expect(driver.rig.device.model.texts).toEqual([]);
    driver.kick();
    expect(driver.rig.messages()).toEqual([1]);
    expect(driver.ring().used()).toEqual([{ id: 0, length: 5 }]);
    expect(textAt(driver, answer)).toBe('hello');
  });

  test('many laps around the ring', () => {
    const driver = start(options);
    for (let lap = 0; lap < 100; lap += 1) {
      const texts = ['a', 'b', 'c'].map((text) => `${text}${lap}`);
      const answers = texts.map((text) => say(driver, text, { room: 3 }));
      driver.kick();
      expect(driver.ring().used()).toHaveLength(3);
      expect(answers.map((answer) => textAt(driver, { ...answer, length: texts[0]?.length ?? 0 }))).toEqual(texts);
    }
  });

  test('a chain cut into small pieces, across a seam of memory', () => {
    const driver = start(options);
    const { memory } = driver.rig;
    memory.write(LOW_SIZE - 3, Buffer.from('abcdef'));
    const [first, second] = [driver.allocate(2), driver.allocate(10)];
    driver.ring().add(
      [
        { address: LOW_SIZE - 3, length: 4 },
        { address: LOW_SIZE + 1, length: 2 },
      ],
      [
        { address: first, length: 1 },
        { address: second, length: 10 },
      ],
    );
    driver.kick();
    expect(driver.ring().used()).toEqual([{ id: 0, length: 6 }]);
    expect(textAt(driver, { address: first, length: 1 }) + textAt(driver, { address: second, length: 5 })).toBe(
      'abcdef',
    );
  });

  test('two queues do not mix', () => {
    const driver = start(options, [8, 4]);
    say(driver, 'one', { queue: 0 });
    say(driver, 'two', { queue: 1 });
    driver.kick(1);
    expect(driver.rig.device.model.texts).toEqual(['two']);
    expect(driver.rig.messages()).toEqual([2]);
    driver.kick(0);
    expect(driver.rig.messages()).toEqual([1]);
  });

  test('a driver that wants no interrupt gets none', () => {
    const driver = start(options);
    driver.ring().interruptAfter(null);
    say(driver, 'x');
    driver.kick();
    expect(driver.ring().used()).toHaveLength(1);
    expect(driver.rig.messages()).toEqual([]);
    driver.ring().interruptAfter(0);
    say(driver, 'y');
    driver.kick();
    expect(driver.rig.messages()).toEqual([1]);
  });

  test('more than the device takes at once is taken a little later, without another kick', () => {
    const driver = start(options, [16]);
    for (let count = 0; count < 6; count += 1) say(driver, `${count}`);
    driver.kick();
    expect(driver.ring().used()).toHaveLength(4);
    driver.rig.rig.clock.advance(999n);
    expect(driver.ring().used()).toHaveLength(0);
    driver.rig.rig.clock.advance(1n);
    expect(driver.ring().used()).toHaveLength(2);
    expect(driver.rig.device.model.texts).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  if (features & INDIRECT_DESC) {
    test('an indirect table takes one place', () => {
      const driver = start(options);
      const answers = Array.from({ length: 7 }, (_, index) => say(driver, `text ${index}`, { indirect: true }));
      driver.kick();
      driver.rig.rig.clock.advance(1000n);
      expect(driver.ring().used()).toHaveLength(7);
      expect(answers.map((answer) => textAt(driver, answer))).toContain('text 6');
    });
  }

  if (features & EVENT_IDX) {
    test('the interrupt comes with the buffer that the driver has named', () => {
      const driver = start(options, [16]);
      driver.ring().interruptAfter(features & RING_PACKED ? 4 : 2);
      for (const text of ['a', 'b']) {
        say(driver, text);
        driver.kick();
        expect(driver.rig.messages()).toEqual([]);
      }
      say(driver, 'c');
      driver.kick();
      expect(driver.rig.messages()).toEqual([1]);
    });

    test('after each emptied queue the driver is asked for a kick at the next buffer', () => {
      const driver = start(options);
      for (let count = 0; count < 40; count += 1) {
        say(driver, 'x');
        expect(driver.ring().needsKick()).toBe(true);
        driver.kick();
        expect(driver.ring().used()).toHaveLength(1);
      }
    });
  }

  test('whatever a driver asks for comes back once, in order, however it is cut and kicked', () => {
    const step = fc.record({
      text: fc.string({ minLength: 1, maxLength: 9, unit: 'grapheme-ascii' }),
      kick: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const driver = start(options);
        const said: string[] = [];
        let back = 0;
        for (const { text, kick } of steps) {
          say(driver, text);
          said.push(text);
          if (!kick && said.length - back < 4) continue;
          if (driver.ring().needsKick()) driver.kick();
          driver.rig.rig.clock.advance(10_000n);
          back += driver.ring().used().length;
          expect(back).toBe(said.length);
        }
        expect(driver.rig.device.model.texts).toEqual(said.slice(0, driver.rig.device.model.texts.length));
      }),
      { numRuns: 30, seed: 4 },
    );
  });

  test('a device that is saved with buffers waiting goes on by itself where it is restored', () => {
    const driver = start(options, [16]);
    for (let count = 0; count < 6; count += 1) say(driver, `${count}`);
    driver.kick();
    expect(driver.ring().used()).toHaveLength(4);
    driver.ring().interruptAfter(0);
    const { rig } = driver;
    const copy = new VirtioRig(echoKind([16]), 'transitional', true, undefined, rig.memory);
    copy.rig.clock.set(rig.rig.clock.now());
    copy.device.deserialize(rig.device.serialize());
    expect(copy.messages()).toEqual([]);
    expect(copy.device.model.texts).toEqual([]);
    copy.rig.clock.advance(1000n);
    expect(copy.device.model.texts).toEqual(['4', '5']);
    expect(copy.messages()).toEqual([1]);
    expect(driver.ring().used()).toHaveLength(2);
  });
});

test('a packed ring tells by a flag whether a buffer was written', () => {
  const driver = start({ features: VERSION_1 | RING_PACKED });
  const flagsAt = (index: number): number => driver.rig.memory.readU16(driver.ring().descriptors + 16 * index + 14);
  say(driver, 'abc');
  driver.ring().add([{ address: 0x100, length: 4 }], []);
  driver.kick();
  expect([flagsAt(0), flagsAt(2)]).toEqual([0x8082, 0x8080]);
});

test('a smaller ring that is no power of two is for the packed format only', () => {
  const driver = start({ features: VERSION_1 | RING_PACKED, queueSize: 5 });
  for (let lap = 0; lap < 20; lap += 1) {
    const answer = say(driver, `${lap}`);
    driver.kick();
    expect(driver.ring().used()).toHaveLength(1);
    expect(textAt(driver, answer)).toBe(`${lap}`);
  }
  expect(start({ features: VERSION_1, queueSize: 5 }).status & 0x40).toBe(0x40);
});

test('a turn ends after 4096 descriptors, and the rest comes a moment later', () => {
  const LONGEST = 2048;
  const driver = start({ features: VERSION_1 | INDIRECT_DESC }, [LONGEST]);
  const [table, address] = [driver.allocate(16 * LONGEST), driver.allocate(1)];
  const into = Array.from({ length: LONGEST }, () => ({ address, length: 0 }));
  for (let count = 0; count < 3; count += 1) driver.ring().add([], into, table);
  driver.kick();
  expect(driver.ring().used()).toHaveLength(2);
  driver.rig.rig.clock.advance(1000n);
  expect(driver.ring().used()).toHaveLength(1);
});
