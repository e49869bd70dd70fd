// SPDX-License-Identifier: BSD-2-Clause
/** When the guest sees that a request is done, under the virtual clock. */
import { virtioBlock } from '../../../devices/virtio/block.js';
import { MemoryDisk } from '../../support/memory-disk.js';
import { VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

/** 100 us and a nanosecond a byte. */
const latency = { constant: 100_000n, bytesPerSecond: 1_000_000_000n };
const SMALL = 100_000n + 512n;
const LARGE = 100_000n + 4096n;
const UNSEEN = 0xee;
const COMMAND = 4;
const WITHOUT_MASTER = 0x0003;
const MASTER = 0x0007;

function make(late: boolean) {
  const disk = new MemoryDisk(new Uint8Array(65536).fill(7), { late });
  const rig = new VirtioRig(virtioBlock({ backend: disk, serial: '', queues: 1, latency }));
  return { disk, rig, clock: rig.rig.clock };
}

function start(late: boolean) {
  const made = make(late);
  return { ...made, driver: new VirtioDriver(made.rig, { features: VERSION_1 }).start() };
}

type Started = ReturnType<typeof start>;

/** Asks for a read; tells the status and the address that it was given. */
function read({ driver, rig: { memory } }: Started, length: number): number {
  const at = driver.allocate(32 + length);
  memory.fill(at, 16, 0);
  memory.writeU8(at + 16 + length, UNSEEN);
  driver.ring().add([{ address: at, length: 16 }], [{ address: at + 16, length: length + 1 }]);
  driver.kick();
  return at + 16 + length;
}

describe.each([
  ['at once', false],
  ['late', true],
])('a host that is done %s', (_, late) => {
  test('is seen when the request is due, not before and not after', () => {
    const started = start(late);
    const { rig, clock } = started;
    const status = read(started, 512);
    clock.advance(SMALL - 1n);
    expect(rig.messages()).toEqual([]);
    expect(rig.memory.readU8(status)).toBe(UNSEEN);
    clock.advance(1n);
    expect(rig.messages()).toEqual([1]);
    expect(rig.memory.readU8(status)).toBe(0);
  });

  test('shorter requests overtake longer ones; requests that are due together keep their order', () => {
    const started = start(late);
    const { driver, clock } = started;
    for (const length of [4096, 512, 512]) read(started, length);
    clock.advance(SMALL);
    expect(
      driver
        .ring()
        .used()
        .map(({ length }) => length),
    ).toEqual([513, 513]);
    clock.advance(LARGE - SMALL);
    expect(
      driver
        .ring()
        .used()
        .map(({ length }) => length),
    ).toEqual([4097]);
  });

  test('a request that is done and not yet seen is in the saved state', () => {
    const started = start(late);
    const { rig, clock, disk } = started;
    const statuses = [read(started, 4096), read(started, 512)];
    clock.advance(50n);
    rig.device.pause();
    expect(disk.waiting).toEqual([]);
    const copy = new VirtioRig(
      virtioBlock({ backend: new MemoryDisk(new Uint8Array(65536)), serial: '', queues: 1, latency }),
      'transitional',
      false,
      undefined,
      rig.memory,
    );
    copy.rig.clock.set(clock.now());
    copy.device.deserialize(rig.device.serialize());
    const seen = (): number[] => statuses.map((at) => rig.memory.readU8(at));
    copy.rig.clock.advance(SMALL - 51n);
    expect(seen()).toEqual([UNSEEN, UNSEEN]);
    copy.rig.clock.advance(1n);
    expect(seen()).toEqual([UNSEEN, 0]);
    expect(copy.messages()).toEqual([1]);
    copy.rig.clock.advance(LARGE - SMALL);
    expect(seen()).toEqual([0, 0]);
  });

  test('a request that is due while the device is no bus master is seen once it is, over a save as well', () => {
    const started = start(late);
    const { rig, clock, driver } = started;
    const statuses = [read(started, 4096), read(started, 512)];
    rig.device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    clock.advance(SMALL);
    rig.device.pause();
    rig.device.deserialize(rig.device.serialize());
    clock.advance(LARGE);
    expect(clock.nextDeadline()).toBeNull();
    expect(statuses.map((at) => rig.memory.readU8(at))).toEqual([UNSEEN, UNSEEN]);
    expect([driver.ring().used(), rig.messages()]).toEqual([[], []]);
    rig.device.writeConfig(COMMAND, 2, MASTER);
    clock.advance(1000n);
    expect(statuses.map((at) => rig.memory.readU8(at))).toEqual([0, 0]);
    const lengths = driver
      .ring()
      .used()
      .map(({ length }) => length);
    expect(lengths).toEqual([513, 4097]);
    expect(rig.messages()).toEqual([1, 1]);
  });

  test('one that is not due when the device is bus master again is seen when it is', () => {
    const started = start(late);
    const { rig, clock } = started;
    const status = read(started, 512);
    rig.device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    started.driver.kick();
    rig.device.pause();
    rig.device.deserialize(rig.device.serialize());
    clock.advance(SMALL - 2000n);
    rig.device.writeConfig(COMMAND, 2, MASTER);
    clock.advance(1999n);
    expect(rig.memory.readU8(status)).toBe(UNSEEN);
    clock.advance(1n);
    expect([rig.memory.readU8(status), rig.messages()]).toEqual([0, [1]]);
  });

  test('a pause on the way changes nothing', () => {
    const started = start(late);
    const { rig, clock } = started;
    read(started, 512);
    rig.device.pause();
    rig.device.resume();
    expect(clock.nextDeadline()).toBe(SMALL);
    clock.advance(SMALL);
    expect(rig.messages()).toEqual([1]);
  });
});

test('the order of requests that are due together is not the host’s', () => {
  const started = start(true);
  const { driver, clock, disk } = started;
  for (let count = 0; count < 2; count += 1) read(started, 512);
  disk.finish(1);
  disk.finish(0);
  clock.advance(SMALL);
  // Each request has two descriptors, so these are the first and the second one.
  expect(
    driver
      .ring()
      .used()
      .map(({ id }) => id),
  ).toEqual([0, 2]);
});

test('a reset of the device forgets what was due', () => {
  const started = start(false);
  const { rig, clock, driver } = started;
  const status = read(started, 512);
  driver.status = 0;
  expect(clock.nextDeadline()).toBeNull();
  expect(rig.memory.readU8(status)).toBe(UNSEEN);
});

test('a saved request of a queue that there is not is refused', () => {
  const started = start(false);
  read(started, 512);
  const saved = started.rig.device.serialize();
  const [held] = saved.fields.held as { queue: number }[];
  if (held !== undefined) held.queue = 1;
  expect(() => make(false).rig.device.deserialize(saved)).toThrow('virtio.held[0].queue: expected 0 to 0');
});
