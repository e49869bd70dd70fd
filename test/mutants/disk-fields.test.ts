// SPDX-License-Identifier: BSD-2-Clause
/** Every field of a disk's and of a random number generator's own is needed after a restore. */
import { virtioBlock } from '../../devices/virtio/block.js';
import { virtioRng } from '../../devices/virtio/rng.js';
import { type Life, unnoticed } from '../support/field-mutants.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { bitsOf, RING_PACKED, VERSION_1, VirtioDriver } from '../support/virtio-driver.js';
import { VirtioRig } from '../support/virtio-rig.js';

/** These have proofs of their own. */
const COMMON = ['config', 'msi', 'msix', 'virtio'];
const [FLUSH, CONFIG_WCE, MQ] = [bitsOf(9), bitsOf(11), bitsOf(12)];
const [READ, WRITE, GET_ID, NONSENSE] = [0, 1, 8, 77];
const WRITEBACK = 32;
const LENGTH = 512;
const ROOM = 16 + LENGTH + 1;
const MINUTES = 600_000;

function disk(): Life {
  const backend = new MemoryDisk(Uint8Array.from({ length: 65_536 }, (_, index) => index));
  // Requests take as long as they are, so that several are on their way.
  const latency = { constant: 100_000n, bytesPerSecond: 10_000_000n };
  const rig = new VirtioRig(virtioBlock({ backend, serial: 'A DISK', queues: 2, latency }), 'modern', true);
  const driver = new VirtioDriver(rig, { features: VERSION_1 | RING_PACKED | FLUSH | CONFIG_WCE | MQ }).start();
  const buffers: number[] = [];
  const ask = (queue: number, type: number, sector: number, length = LENGTH): void => {
    const at = driver.allocate(ROOM);
    buffers.push(at);
    rig.memory.fill(at, ROOM, 0xee);
    rig.memory.writeU32(at, type);
    rig.memory.writeU32(at + 4, 0);
    rig.memory.writeU64(at + 8, BigInt(sector));
    const [head, data, status] = [
      { address: at, length: 16 },
      { address: at + 16, length },
      { address: at + 16 + length, length: 1 },
    ];
    driver.ring(queue).add(type === WRITE ? [head, data] : [head], type === WRITE ? [status] : [data, status]);
    driver.kick(queue);
  };
  const seen = () => ({
    used: driver.rings.map((ring) => ring.used()),
    buffers: buffers.map((address) => Buffer.from(rig.memory.read(address, ROOM)).toString('hex')),
    asked: backend.asked.splice(0),
    config: [0, WRITEBACK].map((offset) => driver.config(offset, 4)),
    messages: rig.messages(),
  });
  const doing = (work: () => unknown) => () => ({ answer: work(), ...seen() });
  const after = (time: bigint) => doing(() => rig.rig.clock.advance(time));
  const steps = [
    doing(() => ask(0, READ, 1)),
    doing(() => ask(1, READ, 2)),
    doing(() => ask(0, GET_ID, 0, 20)),
    doing(() => ask(0, NONSENSE, 0)),
    doing(() => ask(1, READ, 1_000)),
    after(50_000n),
    after(50_000n),
    after(60_000n),
    doing(() => driver.setConfig(WRITEBACK, 1, 0)),
    doing(() => ask(0, WRITE, 5)),
    doing(() => ask(0, WRITE, 6)),
    // Of requests that are due together the first one is seen first, on whichever queue.
    doing(() => ask(1, WRITE, 7)),
    after(200_000n),
    doing(() => driver.setConfig(WRITEBACK, 1, 1)),
    doing(() => ask(0, WRITE, 8)),
    after(200_000n),
  ];
  return { device: rig.device, steps };
}

function random(): Life {
  const rig = new VirtioRig(virtioRng({ source: null, seed: new Uint8Array(32).fill(3) }));
  const driver = new VirtioDriver(rig).start();
  const steps = Array.from({ length: 3 }, () => () => {
    const address = driver.allocate(64);
    driver.ring().add([], [{ address, length: 64 }]);
    driver.kick();
    return { used: driver.ring().used(), bytes: Buffer.from(rig.memory.read(address, 64)).toString('hex') };
  });
  return { device: rig.device, steps };
}

test(
  'virtio-blk',
  () => {
    // Another disk is refused.
    expect(unnoticed(disk, { ignored: COMMON, choices: ['another medium'] })).toEqual(['capacity', 'medium']);
  },
  MINUTES,
);

test('virtio-rnd', () => {
  expect(unnoticed(random, { ignored: COMMON })).toEqual([]);
});
