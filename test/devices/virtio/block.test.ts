// SPDX-License-Identifier: BSD-2-Clause
import { virtioBlock } from '../../../devices/virtio/block.js';
import { deviceContract } from '../../contract/device.contract.js';
import { MemoryDisk, type MemoryDiskOptions } from '../../support/memory-disk.js';
import { bitsOf, type DriverOptions, RING_PACKED, VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { newMemory, VirtioRig } from '../../support/virtio-rig.js';

const [RO, BLK_SIZE, FLUSH, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES] = [5, 6, 9, 11, 12, 13, 14].map((bit) =>
  bitsOf(bit),
) as [bigint, bigint, bigint, bigint, bigint, bigint, bigint];
const [IN, OUT, FLUSH_CACHE, GET_ID, DISCARD_SECTORS, ZERO_SECTORS] = [0, 1, 4, 8, 11, 13] as const;
const [OK, IOERR, UNSUPP] = [0, 1, 2] as const;
const SECTORS = 64;

interface Setup extends DriverOptions, MemoryDiskOptions {
  readonly queues?: number;
  readonly serial?: string;
}

function start({ queues = 1, serial = 'SERIAL', ...options }: Setup = {}) {
  const disk = new MemoryDisk(
    Uint8Array.from({ length: 512 * SECTORS }, (_, at) => Math.floor(at / 512)),
    options,
  );
  const rig = new VirtioRig(virtioBlock({ backend: disk, serial, queues, latency: null }), 'transitional', true);
  return { disk, rig, driver: new VirtioDriver(rig, { features: VERSION_1 | FLUSH, ...options }).start() };
}

type Driver = ReturnType<typeof start>['driver'];

interface Ask {
  readonly type: number;
  readonly sector?: number | bigint;
  readonly out?: Uint8Array;
  readonly room?: number;
  readonly queue?: number;
}

/** Makes a request available without telling of it. */
function put(driver: Driver, { type, sector = 0, out = new Uint8Array(0), room = 0, queue = 0 }: Ask) {
  const { memory } = driver.rig;
  const header = driver.allocate(16 + out.length);
  memory.writeU32(header, type);
  memory.writeU32(header + 4, 0);
  memory.writeU64(header + 8, BigInt(sector));
  memory.write(header + 16, out);
  const into = driver.allocate(room + 1);
  memory.fill(into, room + 1, 0xee);
  driver.ring(queue).add([{ address: header, length: 16 + out.length }], [{ address: into, length: room + 1 }]);
  return { data: () => memory.read(into, room), status: () => memory.readU8(into + room) };
}

function ask(driver: Driver, request: Ask) {
  const answer = put(driver, request);
  driver.kick(request.queue);
  const [used] = driver.ring(request.queue).used();
  return { status: answer.status(), data: answer.data(), length: used?.length };
}

const range = (sector: number, sectors: number, flags = 0): Uint8Array => {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(sector));
  bytes.writeUInt32LE(sectors, 8);
  bytes.writeUInt32LE(flags, 12);
  return bytes;
};

describe.each([
  ['split', { features: VERSION_1 | FLUSH }],
  ['packed', { features: VERSION_1 | FLUSH | RING_PACKED }],
  ['legacy', { via: 'legacy', features: FLUSH }],
] as const)('%s', (_, options) => {
  test('reads sectors', () => {
    const { driver, rig } = start(options);
    const { status, data, length } = ask(driver, { type: IN, sector: 3, room: 1024 });
    expect({ status, length }).toEqual({ status: OK, length: 1025 });
    expect([data[0], data[511], data[512], data[1023]]).toEqual([3, 3, 4, 4]);
    expect(rig.messages()).toEqual([1]);
  });

  test('writes sectors', () => {
    const { driver, disk } = start(options);
    expect(ask(driver, { type: OUT, sector: 5, out: new Uint8Array(512).fill(0x5a) })).toMatchObject({
      status: OK,
      length: 1,
    });
    expect([disk.bytes[5 * 512 - 1], disk.bytes[5 * 512], disk.bytes[6 * 512 - 1], disk.bytes[6 * 512]]).toEqual([
      4, 0x5a, 0x5a, 6,
    ]);
  });
});

test('header, data and status may be cut anywhere', () => {
  const { driver, rig } = start();
  const at = driver.allocate(4096);
  rig.memory.writeU32(at, IN);
  rig.memory.writeU64(at + 8, 7n);
  driver.ring().add(
    [
      { address: at, length: 3 },
      { address: at + 3, length: 13 },
    ],
    [
      { address: at + 100, length: 500 },
      { address: at + 2000, length: 13 },
    ],
  );
  driver.kick();
  expect(rig.memory.readU8(at + 100)).toBe(7);
  expect([...rig.memory.read(at + 2000, 13)]).toEqual([...new Array<number>(12).fill(7), OK]);
});

test('what a read has stored is reported, for the dirty log', () => {
  const written: string[] = [];
  const memory = newMemory((address, length) => written.push(`${address}+${length}`));
  const disk = new MemoryDisk(new Uint8Array(4096));
  const rig = new VirtioRig(
    virtioBlock({ backend: disk, serial: '', queues: 1, latency: null }),
    'modern',
    false,
    undefined,
    memory,
  );
  const driver = new VirtioDriver(rig).start();
  put(driver, { type: IN, room: 512 });
  written.length = 0;
  driver.kick();
  const [data, status] = written;
  const [address = '', length] = data?.split('+') ?? [];
  expect(length).toBe('512');
  expect(status).toBe(`${Number(address) + 512}+1`);
});

test('flushes', () => {
  const { driver, disk } = start();
  expect(ask(driver, { type: FLUSH_CACHE }).status).toBe(OK);
  expect(disk.asked).toEqual(['flush']);
});

test('says what it is called, in 20 bytes', () => {
  const name = ({ data }: { data: Uint8Array }): string => Buffer.from(data).toString('latin1');
  expect(name(ask(start().driver, { type: GET_ID, room: 20 }))).toBe(`SERIAL${'\0'.repeat(14)}`);
  const { driver } = start({ serial: 'a name that is much too long' });
  expect(name(ask(driver, { type: GET_ID, room: 20 }))).toBe('a name that is much ');
  expect(ask(driver, { type: GET_ID, room: 19 }).status).toBe(IOERR);
});

test('a restored disk keeps its name', () => {
  const saved = start({ readOnly: true }).rig.device.serialize();
  const { driver, rig } = start({ readOnly: true, serial: 'another' });
  const { fields } = rig.device.serialize();
  rig.device.deserialize({ ...saved, fields: { ...fields, serial: saved.fields.serial ?? null } });
  expect(Buffer.from(ask(driver, { type: GET_ID, room: 20 }).data).toString('latin1')).toMatch(/^SERIAL\0/);
});

test('discards and zeroes ranges', () => {
  const { driver, disk } = start();
  expect(ask(driver, { type: DISCARD_SECTORS, out: range(4, 2) }).status).toBe(OK);
  expect(ask(driver, { type: ZERO_SECTORS, out: range(8, 1, 1) }).status).toBe(OK);
  expect(disk.asked).toEqual(['discard 2048+1024', 'zero 4096+512']);
});

test.each<[string, Ask, number]>([
  ['a read past the end', { type: IN, sector: SECTORS - 1, room: 1024 }, IOERR],
  ['a read of a part of a sector', { type: IN, room: 100 }, IOERR],
  ['a read where no disk goes', { type: IN, sector: 2n ** 64n - 1n, room: 512 }, IOERR],
  ['a sector that a float would round', { type: IN, sector: 2n ** 55n, room: 512 }, IOERR],
  ['a discard past the end', { type: DISCARD_SECTORS, out: range(SECTORS, 1) }, IOERR],
  ['a discard with flags', { type: DISCARD_SECTORS, out: range(0, 1, 1) }, UNSUPP],
  ['zeroes with unknown flags', { type: ZERO_SECTORS, out: range(0, 1, 2) }, UNSUPP],
  ['too large a range', { type: ZERO_SECTORS, out: range(0, 0x8001) }, IOERR],
  ['two ranges', { type: ZERO_SECTORS, out: new Uint8Array(32) }, IOERR],
  ['a type that there is not', { type: 99 }, UNSUPP],
])('%s fails', (_, request, status) => {
  const { driver, disk } = start();
  expect(ask(driver, request)).toMatchObject({ status, length: 1 });
  expect(disk.asked).toEqual([]);
});

test('what the host cannot do, the guest is told', () => {
  const { driver, disk } = start();
  disk.failure = 'error';
  expect(ask(driver, { type: IN, room: 512 })).toMatchObject({ status: IOERR, length: 1 });
  disk.failure = 'unsupported';
  expect(ask(driver, { type: DISCARD_SECTORS, out: range(0, 1) }).status).toBe(UNSUPP);
});

test('a read-only disk says so and refuses every change', () => {
  const { driver, disk, rig } = start({ readOnly: true });
  expect(driver.offered & (RO | DISCARD | WRITE_ZEROES)).toBe(RO);
  expect(ask(driver, { type: OUT, out: new Uint8Array(512) }).status).toBe(IOERR);
  expect(ask(driver, { type: ZERO_SECTORS, out: range(0, 1) }).status).toBe(IOERR);
  expect(disk.asked).toEqual([]);
  expect(rig.device.saveRefusal()).toBeNull();
});

test('a writable disk can be saved if snapshots keep its content', () => {
  const refusal = 'this writable disk cannot be part of a snapshot: only an image file can, without nocache';
  expect(start().rig.device.saveRefusal()).toBe(refusal);
  expect(start({ readOnly: true }).rig.device.saveRefusal()).toBeNull();
  expect(start({ isKept: true }).rig.device.saveRefusal()).toBeNull();
});

test.each([
  ['a header that is too short', [{ address: 0x100, length: 15 }], [{ address: 0x200, length: 1 }]],
  ['no room for the status', [{ address: 0x100, length: 16 }], []],
])('%s needs a reset', (_, out, into) => {
  const { driver } = start();
  driver.ring().add(out, into);
  driver.kick();
  expect(driver.status & 0x40).toBe(0x40);
});

test('configuration', () => {
  const { driver } = start({ queues: 3, features: VERSION_1 });
  const fields = {
    capacity: [0, 4],
    capacityHigh: [4, 4],
    size_max: [8, 4],
    seg_max: [12, 4],
    blk_size: [20, 4],
  } as const;
  const read = Object.entries(fields).map(([name, [at, width]]) => [name, driver.config(at, width)]);
  expect(Object.fromEntries(read)).toEqual({
    capacity: SECTORS,
    capacityHigh: 0,
    size_max: 0x40000,
    seg_max: 126,
    blk_size: 512,
  });
  expect([driver.config(24, 1), driver.config(26, 2), driver.config(34, 2)]).toEqual([3, 8, 3]);
  expect([driver.config(36, 4), driver.config(40, 4), driver.config(48, 4), driver.config(56, 1)]).toEqual([
    0x8000, 1, 0x8000, 1,
  ]);
  expect(driver.config(60, 4)).toBe(0);
  expect(driver.offered & (BLK_SIZE | MQ)).toBe(BLK_SIZE | MQ);
});

describe('a write is on stable storage when it is done', () => {
  const write = (setup: Setup, writeback?: number) => {
    const { driver, disk } = start(setup);
    if (writeback !== undefined) driver.setConfig(32, 1, writeback);
    ask(driver, { type: OUT, out: new Uint8Array(512) });
    return { asked: disk.asked, shown: driver.config(32, 1) };
  };

  test('for a driver that cannot flush', () => {
    expect(write({ features: VERSION_1 }).asked).toEqual(['write 0+512 durable']);
    expect(write({ via: 'legacy', features: 0n }).asked).toEqual(['write 0+512 durable']);
  });

  test('for one that has switched the cache off', () => {
    const setup = { features: VERSION_1 | FLUSH | CONFIG_WCE };
    expect(write(setup)).toEqual({ asked: ['write 0+512'], shown: 1 });
    expect(write(setup, 0)).toEqual({ asked: ['write 0+512 durable'], shown: 0 });
  });

  test('the switch is there only if it was negotiated', () => {
    expect(write({ features: VERSION_1 | FLUSH }, 0)).toEqual({ asked: ['write 0+512'], shown: 1 });
  });
});

describe('requests that the host does late', () => {
  test('are answered in the order in which the host is done', () => {
    const { driver, disk, rig } = start({ late: true });
    const [first, second] = [put(driver, { type: IN, sector: 1, room: 512 }), put(driver, { type: IN, room: 512 })];
    driver.kick();
    expect(driver.ring().used()).toEqual([]);
    expect(rig.device.isQuiet()).toBe(false);
    disk.finish(1);
    expect(second.status()).toBe(OK);
    expect(first.status()).toBe(0xee);
    expect(rig.messages()).toEqual([1]);
    expect(driver.ring().used()).toHaveLength(1);
    disk.finish(0);
    expect(first.data()[0]).toBe(1);
    expect(rig.messages()).toEqual([1]);
  });

  test('are answered once the device is bus master again', () => {
    const { driver, disk, rig } = start({ late: true });
    const answers = [put(driver, { type: IN, sector: 1, room: 512 }), put(driver, { type: IN, room: 512 })];
    driver.kick();
    rig.device.writeConfig(4, 2, 0x0003);
    disk.finish(0);
    rig.device.pause();
    rig.device.deserialize(rig.device.serialize());
    rig.rig.clock.advance(1_000_000n);
    expect(answers.map((answer) => answer.status())).toEqual([0xee, 0xee]);
    expect([driver.ring().used(), rig.messages(), rig.rig.clock.nextDeadline()]).toEqual([[], [], null]);
    rig.device.writeConfig(4, 2, 0x0007);
    rig.rig.clock.advance(1000n);
    expect(answers.map((answer) => answer.status())).toEqual([OK, OK]);
    expect(driver.ring().used()).toHaveLength(2);
    expect(rig.messages()).toEqual([1]);
  });

  test('are waited for by a pause', () => {
    const { driver, rig, disk } = start({ late: true });
    const answer = put(driver, { type: IN, room: 512 });
    driver.kick();
    expect(() => rig.device.serialize()).toThrow('virtio: cannot save while work is in flight: pause first');
    rig.device.pause();
    expect(answer.status()).toBe(OK);
    expect(disk.waiting).toEqual([]);
    rig.device.serialize();
  });

  test.each(['the device', 'the queue', 'the machine'])('leave memory alone once %s is reset', (what) => {
    const { driver, rig, disk } = start({ late: true, features: VERSION_1 | bitsOf(40) });
    const answer = put(driver, { type: IN, room: 512 });
    driver.kick();
    if (what === 'the device') driver.status = 0;
    else if (what === 'the machine') rig.device.reset();
    else driver.common(0x3a, 2, 1);
    expect(disk.waiting).toEqual([]);
    expect(answer.status()).toBe(0xee);
    expect(rig.messages()).toEqual([]);
    expect(rig.device.isQuiet()).toBe(true);
  });

  test('are at most as many as the queue is long, whatever the driver offers', () => {
    const { driver, disk, rig } = start({ late: true, queueSize: 2 });
    const ring = driver.ring();
    put(driver, { type: IN, room: 512 });
    driver.kick();
    for (let lap = 0; lap < 3; lap += 1) {
      rig.memory.writeU16(ring.driver + 4 + 2 * ((lap + 1) % 2), 0);
      rig.memory.writeU16(ring.driver + 2, lap + 2);
      driver.kick();
    }
    expect(disk.waiting).toHaveLength(2);
    disk.finish(0);
    expect(disk.waiting).toHaveLength(2);
  });
});

test('closing waits for the host and lets go of the disk', () => {
  const { driver, rig, disk } = start({ late: true });
  put(driver, { type: IN, room: 512 });
  driver.kick();
  rig.device.close();
  expect(disk.waiting).toEqual([]);
  expect(disk.isClosed).toBe(true);
});

test('a host that hangs keeps a disk from being paused, not from being let go of', () => {
  const { driver, rig, disk } = start({ late: true });
  put(driver, { type: IN, room: 512 });
  driver.kick();
  disk.wait = () => {
    throw new Error('the host has not finished a request');
  };
  expect(() => rig.device.pause()).toThrow('the host has not finished a request');
  expect(rig.device.isQuiet()).toBe(false);
  expect(() => rig.device.close()).toThrow('the host has not finished a request');
  expect(disk.isClosed).toBe(true);
});

test('a state that was saved with another disk is refused', () => {
  const saved = start().rig.device.serialize();
  const other = new MemoryDisk(new Uint8Array(1024));
  const rig = new VirtioRig(virtioBlock({ backend: other, serial: '', queues: 1, latency: null }));
  expect(() => rig.device.deserialize(saved)).toThrow(
    'virtio.capacity: saved with a disk of 32768 bytes, here it has 1024',
  );
});

deviceContract(
  'virtio-blk',
  (rig) => {
    const backend = new MemoryDisk(new Uint8Array(4096));
    const latency = { constant: 1000n, bytesPerSecond: 1_000_000_000n };
    return new VirtioRig(virtioBlock({ backend, serial: 'x', queues: 2, latency }), 'transitional', false, rig).device;
  },
  {
    operate: (device) => {
      device.writeConfig(4, 2, 7);
      device.core.writeStatus(3, 'legacy');
      device.core.writeFeatures(0, Number(CONFIG_WCE));
      device.model.setWriteCache(false);
    },
  },
);
