// SPDX-License-Identifier: BSD-2-Clause
/** Pages that a guest does without, given back to the host. Reference: VIRTIO-1.2 §5.5.6. */
import type { GuestMemory } from '../../src/core/guest-memory.js';
import { list, record, u16, u32, u64 } from '../../src/core/state-fields.js';
import { readSpans, type Span, slice } from './chain.js';

/** VIRTIO-1.2 §5.5.6: whatever pages the guest itself has. */
export const BALLOON_PAGE = 4096;
export const BALLOON_QUEUE_SIZE = 128;
const BYTES_A_NUMBER = 4;
/** No driver gives more at once; what is beyond stays the guest's, which breaks nothing. */
export const MOST_NUMBERS = 4096;
/** Bytes of a report at once: pages of a mapped snapshot may have to be read and filled. */
const MOST_REPORTED = 16 * 1024 * 1024;

export const reportField = record({
  queue: u16(),
  head: u16(),
  slots: u16({ doc: 'places in the ring' }),
  spans: list(record({ address: u64(), length: u32() }), {
    max: BALLOON_QUEUE_SIZE,
    doc: 'what is still to be given back',
  }),
});
export type Report = ReturnType<typeof reportField.initial>;

/** Discards the pages whose numbers a buffer holds. What is no RAM is left alone. Tells how many numbers there were. */
export function discardNumbered(memory: GuestMemory, spans: readonly Span[], length: number): number {
  const count = Math.min(Math.floor(length / BYTES_A_NUMBER), MOST_NUMBERS);
  const bytes = readSpans(memory, slice(spans, 0, count * BYTES_A_NUMBER));
  const view = new DataView(bytes.buffer);
  const numbers = Uint32Array.from({ length: count }, (_, index) => view.getUint32(BYTES_A_NUMBER * index, true));
  for (const [first, pages] of runs(numbers.sort())) discard(memory, first, pages);
  return count;
}

/** Discards whole pages of a report, a bounded part of it; what is left stays in it. */
export function discardReported(memory: GuestMemory, { spans }: Report): void {
  let left = MOST_REPORTED;
  for (let span = spans[0]; span !== undefined && left > 0; span = spans[0]) {
    const address = Number(span.address);
    const length = Math.min(span.length, left);
    const first = Math.ceil(address / BALLOON_PAGE);
    const end = Math.floor((address + length) / BALLOON_PAGE);
    if (end > first) discard(memory, first, end - first);
    left -= length;
    span.address += BigInt(length);
    span.length -= length;
    if (span.length === 0) spans.shift();
  }
}

/** Each as one call; only a run with something else in it goes page by page. */
function discard(memory: GuestMemory, first: number, pages: number): void {
  if (memory.isRam(first * BALLOON_PAGE, pages * BALLOON_PAGE)) {
    memory.discard(first * BALLOON_PAGE, pages * BALLOON_PAGE);
  } else if (pages > 1) {
    for (let page = first; page < first + pages; page += 1) discard(memory, page, 1);
  }
}

/** Neighbours among sorted numbers, as first number and count. */
function* runs(sorted: Uint32Array): Generator<readonly [first: number, count: number]> {
  let first = 0;
  let count = 0;
  for (const number of sorted) {
    if (count > 0 && number === first + count) count += 1;
    else if (count === 0 || number !== first + count - 1) {
      if (count > 0) yield [first, count];
      [first, count] = [number, 1];
    }
  }
  if (count > 0) yield [first, count];
}
