// SPDX-License-Identifier: BSD-2-Clause
/** What a driver asks of a block device, read from its buffer. Reference: VIRTIO-1.2 §5.2.6. */
import type { GuestMemory } from '../../src/core/guest-memory.js';
import type { BlockBackend, BlockRequest } from './block-backend.js';
import { MOST_BYTES, MOST_RANGE_SECTORS, SECTOR } from './block-config.js';
import { type Chain, RingFault, readSpans, type Span, slice, writeSpans } from './chain.js';

export const BlockStatus = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;
export type BlockStatusCode = (typeof BlockStatus)[keyof typeof BlockStatus];

const Type = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;

const HEADER = 16;
export const ID_LENGTH = 20;
const RANGE = 16;
const UNMAP = 1;

/** The parts of a request, wherever the driver has cut its buffer (§2.7.4). */
export interface RequestParts {
  readonly type: number;
  /** Bytes from the start of the disk. */
  readonly offset: number;
  /** What follows the header, and what precedes the status. */
  readonly out: readonly Span[];
  readonly outLength: number;
  readonly in: readonly Span[];
  readonly inLength: number;
  readonly statusAddress: number;
}

/** What is to be done: host work, or an answer at once. */
export type BlockAction =
  | { readonly kind: 'host'; readonly request: BlockRequest; readonly fills: readonly Span[]; readonly bytes: number }
  | { readonly kind: 'answer'; readonly status: BlockStatusCode; readonly filled: number };

export function requestParts(memory: GuestMemory, chain: Chain): RequestParts {
  const { readable, writable, readableLength, writableLength } = chain;
  if (readableLength < HEADER) throw new RingFault(`a block request with a header of ${readableLength} bytes`);
  if (writableLength < 1) throw new RingFault('a block request without room for its status');
  const { type, offset } = requestHeader(memory, readable);
  const outLength = readableLength - HEADER;
  const inLength = writableLength - 1;
  const [status] = slice(writable, inLength, 1);
  return {
    type,
    offset,
    out: slice(readable, HEADER, outLength),
    outLength,
    in: slice(writable, 0, inLength),
    inLength,
    statusAddress: status?.address ?? 0,
  };
}

function requestHeader(memory: GuestMemory, readable: readonly Span[]): Pick<RequestParts, 'type' | 'offset'> {
  const [first] = readable;
  // Nearly every driver gives the header a descriptor of its own.
  if (first !== undefined && first.length >= HEADER) {
    const { address } = first;
    const offset = byteOffset(memory.readU32(address + 8), memory.readU32(address + 12));
    return { type: memory.readU32(address), offset };
  }
  const header = viewOf(readSpans(memory, slice(readable, 0, HEADER)));
  return { type: header.getUint32(0, true), offset: byteOffset(header.getUint32(8, true), header.getUint32(12, true)) };
}

export interface RequestContext {
  readonly memory: GuestMemory;
  readonly backend: BlockBackend;
  readonly serial: Uint8Array;
  /** No write may be left in a cache. */
  readonly durable: boolean;
}

export function actionFor(parts: RequestParts, context: RequestContext): BlockAction {
  switch (parts.type) {
    case Type.IN:
      return transfer(parts, 'read', context);
    case Type.OUT:
      return context.backend.readOnly ? IO_ERROR : transfer(parts, 'write', context);
    case Type.FLUSH:
      return { kind: 'host', request: { kind: 'flush' }, fills: [], bytes: 0 };
    case Type.GET_ID:
      return identify(parts, context);
    case Type.DISCARD:
      return context.backend.canDiscard ? change(parts, 'discard', context) : UNSUPPORTED;
    case Type.WRITE_ZEROES:
      return change(parts, 'zero', context);
    default:
      return UNSUPPORTED;
  }
}

const IO_ERROR: BlockAction = { kind: 'answer', status: BlockStatus.IOERR, filled: 0 };
const UNSUPPORTED: BlockAction = { kind: 'answer', status: BlockStatus.UNSUPP, filled: 0 };

function transfer(parts: RequestParts, kind: 'read' | 'write', context: RequestContext): BlockAction {
  const { memory, backend, durable } = context;
  const spans = kind === 'read' ? parts.in : parts.out;
  const length = kind === 'read' ? parts.inLength : parts.outLength;
  const { offset } = parts;
  if (length > MOST_BYTES || !isWithin(offset, length, backend)) return IO_ERROR;
  const access = kind === 'read' ? 'write' : 'read';
  const views: Uint8Array[] = [];
  for (const span of spans) memory.addViews(views, span.address, span.length, access);
  const request: BlockRequest =
    kind === 'read' ? { kind, offset, length, memory: views } : { kind, offset, length, memory: views, durable };
  return { kind: 'host', request, fills: kind === 'read' ? spans : [], bytes: length };
}

/** §5.2.6.2: a range of sectors instead of data. */
function change(
  parts: RequestParts,
  kind: 'discard' | 'zero',
  { memory, backend, durable }: RequestContext,
): BlockAction {
  if (parts.outLength !== RANGE || backend.readOnly) return IO_ERROR;
  const range = viewOf(readSpans(memory, parts.out));
  const offset = byteOffset(range.getUint32(0, true), range.getUint32(4, true));
  const sectors = range.getUint32(8, true);
  const flags = range.getUint32(12, true);
  if (flags & ~UNMAP || (kind === 'discard' && flags !== 0)) return UNSUPPORTED;
  const length = SECTOR * sectors;
  if (sectors > MOST_RANGE_SECTORS || !isWithin(offset, length, backend)) return IO_ERROR;
  const unmap = flags === UNMAP;
  const request: BlockRequest =
    kind === 'zero' ? { kind, offset, length, durable, unmap } : { kind, offset, length, durable };
  return { kind: 'host', request, fills: [], bytes: length };
}

function identify({ in: spans, inLength }: RequestParts, { memory, serial }: RequestContext): BlockAction {
  if (inLength < ID_LENGTH) return IO_ERROR;
  return { kind: 'answer', status: BlockStatus.OK, filled: writeSpans(memory, slice(spans, 0, ID_LENGTH), serial) };
}

function isWithin(offset: number, length: number, { capacity }: BlockBackend): boolean {
  return length % SECTOR === 0 && offset + length <= capacity;
}

/** A sector that no disk has must not become another one by rounding. */
function byteOffset(low: number, high: number): number {
  return high < 2 ** 11 ? SECTOR * (high * 2 ** 32 + low) : Number.POSITIVE_INFINITY;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
