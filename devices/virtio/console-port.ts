// SPDX-License-Identifier: BSD-2-Clause
/**
 * One port of a virtio console: bytes that wait for the guest's buffers, and the buffer that the guest is writing out of.
 * Reference: VIRTIO-1.2 §5.3.6.
 */
import type { GuestMemory } from '../../src/core/guest-memory.js';
import type { ByteSink } from '../../src/core/input.js';
import { bool, byteList, list, optional, record, u8, u16, u32, u64 } from '../../src/core/state-fields.js';
import { writeSpans } from './chain.js';
import { TELL_BITS } from './console-control.js';
import type { VirtioQueue } from './virtio-queue.js';

export const QUEUE_SIZE = 64;
/** A host that sends more has to wait. */
const TYPED_MAX = 65_536;
/** Room for what a process has read before it stops to read, for a suspend. */
const PENDING_MAX = 524_288;
const BUFFERS_AT_ONCE = 32;
/** A driver may give gigabytes in one buffer; so much of it is written before others have their turn. */
const BYTES_AT_ONCE = 65_536;

export const portField = record({
  ready: bool({ doc: 'the driver has set it up' }),
  guestOpen: bool({ doc: 'a program of the guest has it open' }),
  hostOpen: bool({ keepOnReset: true, doc: 'somebody is at the other end' }),
  untold: u8({ mask: TELL_BITS, doc: 'what the driver is still to be told of it' }),
  pending: byteList({ keepOnReset: true, max: PENDING_MAX, doc: 'bytes that wait for buffers, oldest first' }),
  sending: optional(
    record({
      head: u16(),
      slots: u16({ doc: 'places in the ring' }),
      spans: list(record({ address: u64(), length: u32() }), { max: QUEUE_SIZE, doc: 'what is not written yet' }),
    }),
    { doc: 'the buffer that is half written' },
  ),
});

export type PortState = ReturnType<typeof portField.initial>;
type Sending = NonNullable<PortState['sending']>;

/** What the driver knew is void. What waits for it is not. */
export function forgetDriver(port: PortState): void {
  Object.assign(port, { ready: false, guestOpen: false, untold: 0, sending: null });
}

/** Adds bytes for the guest and tells how many there was room for. */
export function addTyped(port: PortState, bytes: Uint8Array): number {
  const taken = Math.max(0, Math.min(bytes.length, TYPED_MAX - port.pending.length));
  for (const byte of bytes.subarray(0, taken)) port.pending.push(byte);
  return taken;
}

/** The same for the last bytes before the state is saved: for these there is more room. */
export function addAllTyped(where: string, port: PortState, bytes: Uint8Array): void {
  const room = PENDING_MAX - port.pending.length;
  if (bytes.length > room) throw new RangeError(`${where}: typed ${bytes.length} bytes: expected at most ${room}`);
  for (const byte of bytes) port.pending.push(byte);
}

/** Puts what waits into the buffers that there are. */
export function deliver(port: PortState, queue: VirtioQueue, memory: GuestMemory): void {
  const { pending } = port;
  for (let count = 0; count < BUFFERS_AT_ONCE; count += 1) {
    const chain = pending.length > 0 ? queue.take() : null;
    if (chain === null) return;
    const bytes = Uint8Array.from(pending.slice(0, chain.writableLength));
    queue.use(chain, writeSpans(memory, chain.writable, bytes));
    pending.splice(0, bytes.length);
  }
  if (pending.length > 0) queue.defer();
}

/** Writes what the guest has given, a bounded part of it at a time, and no more than there is room for. */
export function transmit(port: PortState, queue: VirtioQueue, memory: GuestMemory, output: ByteSink): void {
  let left = Math.min(BYTES_AT_ONCE, output.room ?? BYTES_AT_ONCE);
  for (let count = 0; count < BUFFERS_AT_ONCE && left > 0; count += 1) {
    port.sending ??= nextSending(queue);
    const { sending } = port;
    if (sending === null) return;
    left -= writeOut(sending, left, memory, output);
    if (sending.spans.length > 0) break;
    port.sending = null;
    queue.use(sending, 0);
  }
  if (output.room === 0) queue.stall();
  else queue.defer();
}

function nextSending(queue: VirtioQueue): Sending | null {
  const chain = queue.take();
  if (chain === null) return null;
  const { head, slots, readable } = chain;
  return { head, slots, spans: readable.map(({ address, length }) => ({ address: BigInt(address), length })) };
}

function writeOut({ spans }: Sending, limit: number, memory: GuestMemory, output: ByteSink): number {
  let done = 0;
  for (let span = spans[0]; span !== undefined; span = spans[0]) {
    const count = Math.min(span.length, limit - done);
    for (const byte of memory.read(Number(span.address), count)) output.write(byte);
    done += count;
    span.address += BigInt(count);
    span.length -= count;
    if (span.length > 0) break;
    spans.shift();
  }
  return done;
}
