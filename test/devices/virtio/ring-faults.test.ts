// SPDX-License-Identifier: BSD-2-Clause
/** Rings that break the rules of their format. */
import { echoKind } from '../../support/echo-kind.js';
import {
  EVENT_IDX,
  INDIRECT_DESC,
  NEEDS_RESET,
  RING_PACKED,
  VERSION_1,
  VirtioDriver,
} from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';
import { INDIRECT, NEXT, PackedDriver, SplitDriver, WRITE } from '../../support/virtio-rings.js';

const TABLE = 0x8000;
const BYTE = { address: 0x100, length: 1 };
const plain = { ...BYTE, flags: 0 };
const more = { ...BYTE, flags: NEXT };

function start(features: bigint) {
  return new VirtioDriver(new VirtioRig(echoKind([4]), 'modern', true), { features: VERSION_1 | features }).start();
}

function outcome(driver: ReturnType<typeof start>) {
  driver.kick();
  return { broken: (driver.status & NEEDS_RESET) !== 0, taken: driver.rig.device.model.texts.length };
}

const BROKEN = { broken: true, taken: 0 };

describe('split', () => {
  const faults: readonly (readonly [string, (ring: SplitDriver) => void])[] = [
    ['a descriptor that leads to itself', (ring) => ring.describe(ring.descriptors, 0, more, 0)],
    [
      'a loop of two',
      (ring) => {
        ring.describe(ring.descriptors, 0, more, 1);
        ring.describe(ring.descriptors, 1, more, 0);
      },
    ],
    ['a next descriptor that there is not', (ring) => ring.describe(ring.descriptors, 0, more, 4)],
    [
      'one to be read after one to be written',
      (ring) => {
        ring.describe(ring.descriptors, 0, { ...BYTE, flags: WRITE | NEXT }, 1);
        ring.describe(ring.descriptors, 1, plain, 0);
      },
    ],
    ['an empty table', (ring) => ring.describe(ring.descriptors, 0, { address: TABLE, length: 0, flags: INDIRECT }, 0)],
    [
      'a table of one and a half descriptors',
      (ring) => ring.describe(ring.descriptors, 0, { address: TABLE, length: 24, flags: INDIRECT }, 0),
    ],
    [
      'a table outside memory',
      (ring) => ring.describe(ring.descriptors, 0, { address: 0x7ffff0, length: 32, flags: INDIRECT }, 0),
    ],
    [
      'a table that goes on in the ring',
      (ring) => {
        ring.describe(TABLE, 0, plain, 0);
        ring.describe(ring.descriptors, 0, { address: TABLE, length: 16, flags: INDIRECT | NEXT }, 1);
      },
    ],
    [
      'a table in a table',
      (ring) => {
        ring.describe(TABLE, 0, { address: TABLE, length: 16, flags: INDIRECT }, 0);
        ring.describe(ring.descriptors, 0, { address: TABLE, length: 16, flags: INDIRECT }, 0);
      },
    ],
    [
      'a loop in a table',
      (ring) => {
        ring.describe(TABLE, 0, more, 0);
        ring.describe(ring.descriptors, 0, { address: TABLE, length: 16, flags: INDIRECT }, 0);
      },
    ],
    [
      'a table that is left by an index',
      (ring) => {
        ring.describe(TABLE, 0, more, 1);
        ring.describe(ring.descriptors, 0, { address: TABLE, length: 16, flags: INDIRECT }, 0);
      },
    ],
    [
      'a table longer than the queue',
      (ring) => {
        for (let index = 0; index < 5; index += 1) ring.describe(TABLE, index, index < 4 ? more : plain, index + 1);
        ring.describe(ring.descriptors, 0, { address: TABLE, length: 80, flags: INDIRECT }, 0);
      },
    ],
  ];

  test.each(faults)('%s', (_, spoil) => {
    const driver = start(INDIRECT_DESC | EVENT_IDX);
    const ring = driver.ring();
    if (ring instanceof SplitDriver) {
      spoil(ring);
      ring.offer(0);
    }
    expect(outcome(driver)).toEqual(BROKEN);
  });

  test('a chain as long as the queue is sound, and so is one that ends in a table', () => {
    const driver = start(INDIRECT_DESC);
    const ring = driver.ring();
    ring.add([BYTE, BYTE, BYTE], [BYTE]);
    expect(outcome(driver)).toEqual({ broken: false, taken: 1 });
    if (!(ring instanceof SplitDriver)) throw new Error('not a split ring');
    ring.describe(TABLE, 0, plain, 0);
    ring.describe(ring.descriptors, 1, { address: TABLE, length: 16, flags: INDIRECT | WRITE }, 0);
    ring.describe(ring.descriptors, 0, more, 1);
    ring.offer(0);
    expect(outcome(driver)).toEqual({ broken: false, taken: 2 });
  });
});

describe('packed', () => {
  const faults: readonly (readonly [string, (ring: PackedDriver) => void])[] = [
    ['a chain without an end', (ring) => ring.place([more, more, more, more], 0)],
    ['one to be read after one to be written', (ring) => ring.place([{ ...BYTE, flags: WRITE | NEXT }, plain], 0)],
    ['a table inside a chain', (ring) => ring.place([more, { address: TABLE, length: 16, flags: INDIRECT }], 0)],
    [
      'a table that goes on in the ring',
      (ring) => ring.place([{ address: TABLE, length: 16, flags: INDIRECT | NEXT }], 0),
    ],
    ['a table longer than the queue', (ring) => ring.place([{ address: TABLE, length: 80, flags: INDIRECT }], 0)],
    ['a table of megabytes', (ring) => ring.place([{ address: 0, length: 0x80000, flags: INDIRECT }], 0)],
  ];

  test.each(faults)('%s', (_, spoil) => {
    const driver = start(INDIRECT_DESC | RING_PACKED);
    const ring = driver.ring();
    if (ring instanceof PackedDriver) spoil(ring);
    expect(outcome(driver)).toEqual(BROKEN);
  });

  test('a table inside a table', () => {
    const driver = start(INDIRECT_DESC | RING_PACKED);
    driver.rig.memory.writeU16(TABLE + 14, INDIRECT);
    const ring = driver.ring();
    if (ring instanceof PackedDriver) ring.place([{ address: TABLE, length: 16, flags: INDIRECT }], 0);
    expect(outcome(driver)).toEqual(BROKEN);
  });
});
