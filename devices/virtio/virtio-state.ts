// SPDX-License-Identifier: BSD-2-Clause
/** The state that all virtio devices share: negotiation, notifications, and where each queue stands. */
import { StateError } from '../../src/core/state-error.js';
import { bool, list, optional, record, u8, u16, u32, u64 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import { STATUS_BITS } from './status.js';

/** VIRTIO-1.2 §4.1.5.1.2.1: no MSI-X vector. */
export const NO_VECTOR = 0xffff;
export const MAX_QUEUES = 64;
/** VIRTIO-1.2 §2.7 and §2.8.10.1. */
export const MAX_QUEUE_SIZE = 0x8000;

const queueField = record({
  size: u16({ min: 1, max: MAX_QUEUE_SIZE, doc: 'descriptors; the driver may lower it' }),
  enabled: bool(),
  vector: u16({ initial: NO_VECTOR, doc: 'MSI-X vector' }),
  descriptors: u64({ doc: 'address of the descriptor area' }),
  driver: u64({ doc: 'address of the driver area' }),
  device: u64({ doc: 'address of the device area' }),
  // Split rings count modulo 2^16, packed rings modulo twice their size: the wrap counter is the upper half.
  available: u16({ doc: 'the next buffer to take' }),
  used: u16({ doc: 'where the next used buffer goes' }),
  signalled: u16({ doc: '`used` when the driver was last told' }),
  pending: bool({ doc: 'the driver has told of buffers that are not all taken' }),
});

export type QueueState = ReturnType<typeof queueField.initial>;

/** A queue that no driver has touched. */
export function freshQueue(size: number): QueueState {
  return { ...queueField.initial(), size };
}

export function virtioShape(queueSizes: readonly number[]) {
  const initial = queueSizes.map(freshQueue);
  const fields = {
    status: u8({ mask: STATUS_BITS }),
    deviceFeatureSelect: u32(),
    driverFeatureSelect: u32(),
    driverFeatures: u64({ doc: 'as written by the driver' }),
    configVector: u16({ initial: NO_VECTOR }),
    queueSelect: u16(),
    isr: u8({ mask: 0x03 }),
    configGeneration: u8(),
    workAt: optional(u64({ unit: 'ns', doc: 'when queues with pending buffers are looked at again' })),
    queues: list(queueField, { max: MAX_QUEUES, initial }),
  };
  return new StateShape('virtio', 1, fields, { check: ({ queues }) => checkQueues(queues, queueSizes) });
}

function checkQueues(queues: readonly QueueState[], sizes: readonly number[]): void {
  if (queues.length !== sizes.length) {
    throw new StateError('queues', `expected ${sizes.length} of them, got ${queues.length}`);
  }
  for (const [index, { size }] of queues.entries()) {
    const largest = sizes[index] ?? 0;
    if (size > largest) throw new StateError(`queues[${index}].size`, `expected at most ${largest}, got ${size}`);
  }
}

export type VirtioShape = ReturnType<typeof virtioShape>;
export type VirtioState = StateOf<VirtioShape['fields']>;
