// SPDX-License-Identifier: BSD-2-Clause
import { type VirtioBalloon, virtioBalloon } from '../../../devices/virtio/balloon.js';
import { GuestMemory } from '../../../src/core/guest-memory.js';
import { deviceContract } from '../../contract/device.contract.js';
import { Rig } from '../../support/rig.js';
import { type DriverOptions, NEEDS_RESET, RING_PACKED, VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { LOW_SIZE, MEMORY_END, newMemory, VirtioRig } from '../../support/virtio-rig.js';

const [MUST_TELL_HOST, STATS_VQ, DEFLATE_ON_OOM, FREE_PAGE_HINT, PAGE_POISON, REPORTING] = [0, 1, 2, 3, 4, 5].map(
  (bit) => 1n << BigInt(bit),
) as [bigint, bigint, bigint, bigint, bigint, bigint];
const [INFLATE, DEFLATE, STATISTICS] = [0, 1, 2] as const;
/** Behind everything that the driver allocates. */
const FIRST_PAGE = 0x60;
const PAGE = 4096;

interface Setup extends DriverOptions {
  readonly target?: number;
  readonly deflateOnOom?: boolean;
  readonly reporting?: boolean;
  readonly memory?: GuestMemory;
}

const kind = ({ target = 0, deflateOnOom = false, reporting = true }: Setup = {}) =>
  virtioBalloon({ target, deflateOnOom, reporting });

function start(setup: Setup = {}) {
  const rig = new VirtioRig<VirtioBalloon>(kind(setup), 'transitional', true, new Rig(), setup.memory ?? newMemory());
  const driver = new VirtioDriver(rig, { features: VERSION_1 | STATS_VQ | REPORTING, ...setup }).start();
  rig.messages();
  rig.memory.fill(FIRST_PAGE * PAGE, MEMORY_END - FIRST_PAGE * PAGE, 0x5a);
  return { rig, driver, balloon: rig.device.model };
}
type Started = ReturnType<typeof start>;

function give({ rig, driver }: Started, queue: number, numbers: readonly number[]): void {
  const address = driver.allocate(4 * numbers.length);
  for (const [index, number] of numbers.entries()) rig.memory.writeU32(address + 4 * index, number);
  driver.ring(queue).add([{ address, length: 4 * numbers.length }], []);
  driver.kick(queue);
}

/** Which pages from `FIRST_PAGE` on are zeros. */
function zeroPages({ rig }: Started): number[] {
  const pages = Array.from({ length: MEMORY_END / PAGE - FIRST_PAGE }, (_, index) => FIRST_PAGE + index);
  return pages.filter((page) => rig.memory.read(page * PAGE, PAGE).every((byte) => byte === 0));
}

function tell({ rig, driver }: Started, values: readonly (readonly [tag: number, value: bigint])[]): void {
  const address = driver.allocate(10 * values.length);
  for (const [index, [tag, value]] of values.entries()) {
    rig.memory.writeU16(address + 10 * index, tag);
    rig.memory.writeU64(address + 10 * index + 2, value);
  }
  driver.ring(STATISTICS).add([{ address, length: 10 * values.length }], []);
  driver.kick(STATISTICS);
}

describe.each([
  ['split', { features: VERSION_1 | STATS_VQ | REPORTING }],
  ['packed', { features: VERSION_1 | RING_PACKED | STATS_VQ | REPORTING }],
  ['legacy', { via: 'legacy', features: STATS_VQ | REPORTING }],
] as const)('%s', (_, options) => {
  test('pages that are given are zeros at once, in runs or alone, and no others', () => {
    const started = start({ ...options });
    give(started, INFLATE, [0x67, 0x66, 0x65, 0x61, 0x66]);
    expect(zeroPages(started)).toEqual([0x61, 0x65, 0x66, 0x67]);
    expect(started.driver.ring(INFLATE).used()).toEqual([{ id: expect.any(Number), length: 0 }]);
    expect(started.rig.messages()).toEqual([1]);
  });

  test('pages that are taken back are left alone', () => {
    const started = start({ ...options });
    give(started, DEFLATE, [0x61]);
    expect(zeroPages(started)).toEqual([]);
    expect(started.driver.ring(DEFLATE).used()).toHaveLength(1);
  });

  test('statistics are kept, and asked for by giving their buffer back', () => {
    const started = start({ ...options });
    expect(started.balloon.refresh()).toBe(false);
    started.rig.rig.clock.advance(70n);
    tell(started, [
      [4, 1n << 40n],
      [5, 7n],
      [99, 1n],
      [4, 3n],
    ]);
    expect(started.balloon.facts).toMatchObject({ toldAt: 70n, guest: { free: 3n, total: 7n } });
    expect(started.driver.ring(STATISTICS).used()).toEqual([]);
    started.rig.device.deserialize(started.rig.device.serialize());
    expect(started.balloon.refresh()).toBe(true);
    expect(started.balloon.refresh()).toBe(false);
    expect(started.driver.ring(STATISTICS).used()).toHaveLength(1);
    expect(started.rig.messages()).toEqual([3]);
    tell(started, [[0, 1n]]);
    expect(started.balloon.facts.guest).toEqual({ swapIn: 1n });
  });

  // As Linux and QEMU number the queue for reports, and as the specification does.
  test.each([3, 4])('whole pages that are reported are zeros at once (queue %i)', (queue) => {
    const started = start({ ...options });
    started.driver.ring(queue).add(
      [],
      [
        { address: 0x61000, length: 2 * PAGE },
        { address: 0x65800, length: 2 * PAGE },
      ],
    );
    started.driver.kick(queue);
    expect(zeroPages(started)).toEqual([0x61, 0x62, 0x66]);
    expect(started.driver.ring(queue).used()).toHaveLength(1);
  });
});

test('reports come on queue 2 when there are no statistics', () => {
  const started = start({ features: VERSION_1 | REPORTING });
  started.driver.ring(2).add([], [{ address: 0x61000, length: PAGE }]);
  started.driver.kick(2);
  expect(zeroPages(started)).toEqual([0x61]);
});

test('several reports are taken one after the other', () => {
  const started = start();
  for (const page of [0x61, 0x63, 0x65]) started.driver.ring(4).add([], [{ address: page * PAGE, length: PAGE }]);
  started.driver.kick(4);
  started.driver.ring(3).add([], [{ address: 0x67000, length: PAGE }]);
  started.driver.kick(3);
  expect(zeroPages(started)).toEqual([0x61, 0x67]);
  started.rig.rig.clock.advance(10_000n);
  expect(zeroPages(started)).toEqual([0x61, 0x63, 0x65, 0x67]);
});

test('a long report is done in pieces, over a save as well', () => {
  const size = 40 * 1024 * 1024;
  const given: number[] = [];
  const long = new GuestMemory([{ base: 0, bytes: new Uint8Array(size) }], undefined, (_, length) =>
    given.push(length),
  );
  const started = start({ memory: long });
  started.driver.ring(3).add([], [{ address: 0x100000, length: size - 0x100000 }]);
  started.driver.kick(3);
  const piece = 16 * 1024 * 1024;
  expect(given).toEqual([piece]);
  expect(started.driver.ring(3).used()).toEqual([]);
  // Another queue for reports has to wait meanwhile.
  started.driver.ring(4).add([], [{ address: 0x80000, length: PAGE }]);
  started.driver.kick(4);
  expect(given).toEqual([piece]);
  started.rig.device.deserialize(started.rig.device.serialize());
  started.rig.rig.clock.advance(10_000n);
  expect(given).toEqual([piece, piece, size - 0x100000 - 2 * piece, PAGE]);
  expect(started.driver.ring(3).used()).toHaveLength(1);
  expect(started.driver.ring(4).used()).toHaveLength(1);
});

test('a guest that keeps a pattern in free pages keeps it', () => {
  const started = start({ features: VERSION_1 | STATS_VQ | REPORTING | PAGE_POISON });
  const report = (page: number): void => {
    started.driver.ring(3).add([], [{ address: page * PAGE, length: PAGE }]);
    started.driver.kick(3);
  };
  started.driver.setConfig(12, 4, 0xaaaaaaaa);
  report(0x61);
  expect(started.driver.ring(3).used()).toHaveLength(1);
  started.driver.setConfig(12, 4, 0);
  report(0x63);
  expect(zeroPages(started)).toEqual([0x63]);
});

test('asks for pages, and hears how many there are', () => {
  const { driver, rig, balloon } = start({ target: 5 });
  expect([0, 4, 8, 12].map((offset) => driver.config(offset, 4))).toEqual([5, 0, 0, 0]);
  driver.setConfig(0, 4, 77);
  driver.setConfig(4, 4, 3);
  expect(balloon.facts).toMatchObject({ target: 5, actual: 3, toldAt: null, guest: {} });
  balloon.setTarget(9);
  balloon.setTarget(9);
  expect(rig.messages()).toEqual([0]);
  expect(driver.config(0, 4)).toBe(9);
  rig.device.reset();
  expect(balloon.facts).toMatchObject({ target: 9, actual: 0 });
});

test('offers what it is told to', () => {
  const always = MUST_TELL_HOST | STATS_VQ;
  const all = always | DEFLATE_ON_OOM | FREE_PAGE_HINT | PAGE_POISON | REPORTING;
  expect(start().driver.offered & all).toBe(always | PAGE_POISON | REPORTING);
  expect(start({ deflateOnOom: true, reporting: false }).driver.offered & all).toBe(always | DEFLATE_ON_OOM);
});

test('what is no RAM is left alone', () => {
  const rom = new Uint8Array(PAGE).fill(7);
  const memory = new GuestMemory([
    ...newMemory().segments,
    { base: MEMORY_END + PAGE, bytes: rom, readOnly: true },
    { base: MEMORY_END + 2 * PAGE, bytes: new Uint8Array(PAGE).fill(7) },
  ]);
  const started = start({ memory });
  const end = MEMORY_END / PAGE;
  give(started, INFLATE, [end - 1, end, end + 1, end + 2, 0xffffffff, 0xfee00]);
  expect(zeroPages(started)).toEqual([end - 1]);
  expect(rom[0]).toBe(7);
  expect(memory.readU8((end + 2) * PAGE)).toBe(0);
  expect(started.driver.status & NEEDS_RESET).toBe(0);
});

test('a run goes on from one piece of memory to the next', () => {
  const started = start();
  const edge = LOW_SIZE / PAGE;
  started.rig.memory.fill(LOW_SIZE - PAGE, 2 * PAGE, 0x5a);
  give(started, INFLATE, [edge - 1, edge]);
  expect(started.rig.memory.readU8(LOW_SIZE - 1)).toBe(0);
  expect(started.rig.memory.readU8(LOW_SIZE)).toBe(0);
});

test('more numbers than a driver ever gives at once are looked at in part', () => {
  const started = start();
  const numbers = new Array<number>(5000).fill(0xffffffff);
  numbers[4095] = 0x61;
  numbers[4096] = 0x62;
  give(started, INFLATE, numbers);
  expect(zeroPages(started)).toEqual([0x61]);
  expect(started.driver.ring(INFLATE).used()).toHaveLength(1);
});

test('statistics that are told before DRIVER_OK are heard after it, over a save as well', () => {
  const started = start();
  started.driver.status = 0;
  started.driver.rings.length = 0;
  started.driver.status = 1;
  started.driver.status = 3;
  started.driver.negotiate(VERSION_1 | STATS_VQ);
  for (const queue of [0, 1, 2]) started.driver.rings.push(started.driver.setUp(queue));
  tell(started, [[4, 5n]]);
  expect(started.balloon.facts.guest).toEqual({});
  started.rig.device.deserialize(started.rig.device.serialize());
  started.driver.status |= 4;
  started.rig.rig.clock.advance(10_000n);
  expect(started.balloon.facts.guest).toEqual({ free: 5n });
});

test('a second buffer of statistics sends the first one back', () => {
  const started = start();
  tell(started, [[4, 1n]]);
  tell(started, [[4, 2n]]);
  expect(started.driver.ring(STATISTICS).used()).toHaveLength(1);
  expect(started.balloon.facts.guest).toEqual({ free: 2n });
});

test('a queue that is reset, or a driver that starts anew, takes the buffer of statistics along', () => {
  const started = start({ features: VERSION_1 | STATS_VQ | (1n << 40n) });
  tell(started, [[4, 1n]]);
  started.driver.common(0x16, 2, STATISTICS);
  started.driver.common(0x3a, 2, 1);
  expect(started.balloon.refresh()).toBe(false);
  const again = start();
  tell(again, [[4, 1n]]);
  again.driver.status = 0;
  expect(again.balloon.refresh()).toBe(false);
  expect(again.balloon.facts).toMatchObject({ toldAt: null, guest: {} });
});

deviceContract('virtio-balloon', (rig) => new VirtioRig(kind(), 'transitional', false, rig).device, {
  operate: (device) => {
    device.writeConfig(4, 2, 7);
    device.model.setTarget(7);
    device.model.writeConfig(4, 4, 3);
  },
});
