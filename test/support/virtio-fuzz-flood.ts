// SPDX-License-Identifier: BSD-2-Clause
/**
 * A driver that breaks no rule and is hostile all the same: a ring full of buffers, each as long as the ring, with next to
 * no room in them; and a network on which frames were waiting for them.
 */
import { VirtioNet } from '../../devices/virtio/net.js';
import { COMPLETE } from '../../devices/virtio/net-header.js';
import type { VirtioModel } from '../../devices/virtio/virtio-kind.js';
import { driverOk, negotiate, placeQueue } from './virtio-fuzz-rings.js';
import type { VirtioRig } from './virtio-rig.js';
import { INDIRECT, NEXT, WRITE } from './virtio-rings.js';

type Rig = VirtioRig<VirtioModel>;

const [VERSION_1, INDIRECT_DESC, PACKED] = [1n << 32n, 1n << 28n, 1n << 34n];
/** Away from those of the rest of the driver. */
const PLACE = { size: 256, descriptors: 0x10000, driver: 0x12000, device: 0x13000 };
const TABLE = 0x14000;
const BUFFER = 0x16000;
const ENTRY = 16;
const AVAILABLE = 0x80;
/** A card keeps a little more. */
const MOST_FRAMES = 90;

export function flood(rig: Rig, known: bigint, [where, how, value]: readonly [number, number, number]): number {
  const features = known | VERSION_1 | INDIRECT_DESC;
  const isPacked = (features & PACKED) !== 0n;
  const queue = where % Math.min(rig.device.core.queues.length, 4);
  rig.memory.fill(PLACE.descriptors, TABLE - PLACE.descriptors, 0);
  negotiate(rig, features);
  const size = Math.min(placeQueue(rig, queue, PLACE), PLACE.size);
  driverOk(rig);
  // Every other one as large as they come.
  const upTo = (most: number, number: number): number => (number & 1 ? most : 1 + (number % most));
  const entries = upTo(size, value);
  writeTable(rig, entries, isPacked, [where >> 2, how, value >>> 8]);
  for (let count = how % MOST_FRAMES; count > 0; count -= 1) arrive(rig.device.model, 60 + (value % 4000));
  const buffers = upTo(size, how >> 1);
  for (let index = 0; index < buffers; index += 1) offer(rig, index, entries, isPacked);
  if (!isPacked) rig.memory.writeU16(PLACE.driver + 2, buffers);
  return queue;
}

/** Most of the entries are empty; only the first and the last hold anything. */
function writeTable(
  { memory }: Rig,
  entries: number,
  isPacked: boolean,
  [kind, first, last]: readonly [number, number, number],
): void {
  const writableFrom = [0, 1, Math.floor(entries / 2), entries][kind % 4] ?? 0;
  for (let index = 0; index < entries; index += 1) {
    const at = TABLE + ENTRY * index;
    const isLast = index === entries - 1;
    const length = isLast ? [12, 13, 100, 2000][last % 4] : index === 0 ? [0, 16, 44, 12][first % 4] : 0;
    const flags = (index >= writableFrom ? WRITE : 0) | (isLast || isPacked ? 0 : NEXT);
    memory.writeU64(at, BigInt(BUFFER));
    memory.writeU32(at + 8, length ?? 0);
    memory.writeU16(at + 12, isPacked ? 0 : flags);
    memory.writeU16(at + 14, isPacked ? flags : index + 1);
  }
}

function offer({ memory }: Rig, index: number, entries: number, isPacked: boolean): void {
  const at = PLACE.descriptors + ENTRY * index;
  memory.writeU64(at, BigInt(TABLE));
  memory.writeU32(at + 8, ENTRY * entries);
  memory.writeU16(at + 12, isPacked ? index : INDIRECT);
  memory.writeU16(at + 14, isPacked ? INDIRECT | AVAILABLE : 0);
  if (!isPacked) memory.writeU16(PLACE.driver + 4 + 2 * index, index);
}

function arrive(model: VirtioModel, length: number): void {
  if (model instanceof VirtioNet) model.receive({ header: COMPLETE, bytes: new Uint8Array(length).fill(0xff) });
}
