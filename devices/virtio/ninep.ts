// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio 9P transport: a folder of the host, shared with the guest, `virtio-9p` in bhyve. Reference: VIRTIO-1.2 §5 names
 * the device (type 9) and no more; Linux's virtio_9p.h has its only feature and its configuration, a tag to mount it by.
 * The protocol is 9P2000.L (`ninep/`). Not modelled: extended attributes, locks that others see, device nodes.
 */
import type { Width } from '../../src/core/bits.js';
import { bytes, u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { type Chain, RingFault, readSpans, writeSpans } from './chain.js';
import { checkFids, type FidState, Fids, fidFields } from './ninep/fids.js';
import type { FolderBackend } from './ninep/folder-backend.js';
import { HEADER, READ_OVERHEAD } from './ninep/messages.js';
import { answer, RLERROR_LENGTH } from './ninep/ninep-server.js';
import { type FolderRules, Session } from './ninep/session.js';
import { MOST_MSIZE } from './ninep/tree-requests.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 9;
const CLASS_STORAGE_OTHER = 0x018000;
const MOUNT_TAG = 1n << 0n;
const QUEUE_SIZE = 128;
/** What an I/O BAR has room for (PCI-3.0 §6.2.5.1: 256 bytes), behind the legacy registers. bhyve would take 26 more. */
export const LONGEST_TAG = 230;
/** The length of the tag, and the tag. */
const CONFIG_LENGTH = 2 + LONGEST_TAG;
const REQUESTS_AT_ONCE = 32;
/** Bytes of answers, roughly, until the guest's processor has its turn again. */
const MOST_BYTES = 1024 * 1024;
/** To look at a fid is as much work as so many bytes: of renames that look at all there can be, one has its turn. */
const BYTES_A_LOOK = 16;
/** Before a size is agreed on, all there is to say is a version. */
const FIRST_MESSAGE = 8192;

export interface NinepOptions extends FolderRules {
  readonly backend: FolderBackend;
  /** What the guest mounts; 1 to 230 bytes, a byte in each character. */
  readonly tag: string;
}

function shapeFor(common: VirtioPciFields, tag: string) {
  const fields = {
    ...common,
    tag: bytes(LONGEST_TAG, {
      initial: tagBytes(tag),
      keepOnReset: true,
      doc: 'what the guest mounts, zeros behind it',
    }),
    msize: u32({ max: MOST_MSIZE, doc: 'bytes of the longest message; 0 before there is a conversation' }),
    ...fidFields,
  };
  return new StateShape('virtio-9p', 1, fields, { check: checkFids });
}

export type NinepFields = ReturnType<typeof shapeFor>['fields'];
interface NinepState extends FidState {
  tag: Uint8Array;
  msize: number;
}

export class VirtioNinep extends VirtioModel {
  private readonly fids: Fids;
  private readonly session: Session;

  constructor(
    private readonly host: VirtioHost<NinepState>,
    private readonly options: NinepOptions,
  ) {
    super();
    this.fids = new Fids(() => host.state(), options.backend);
    this.session = new Session(
      this.fids,
      options.backend,
      options,
      () => host.state().msize,
      (msize) => {
        host.state().msize = msize;
      },
    );
  }

  process(queue: VirtioQueue): void {
    let moved = 0;
    const handle = (chain: Chain): void => {
      const { looked } = this.fids;
      moved += chain.readableLength + this.answer(queue, chain);
      moved += (this.fids.looked - looked) * BYTES_A_LOOK;
    };
    queue.takeSome(REQUESTS_AT_ONCE, handle, { mayGoOn: () => moved < MOST_BYTES });
  }

  override readConfig(offset: number, width: Width): number {
    const { tag } = this.host.state();
    const length = tag.indexOf(0) < 0 ? LONGEST_TAG : tag.indexOf(0);
    let value = 0;
    for (let index = 0; index < width; index += 1) {
      const at = offset + index;
      const byte = at < 2 ? (length >> (8 * at)) & 0xff : at - 2 < length ? (tag[at - 2] ?? 0) : 0;
      value += byte * 2 ** (8 * index);
    }
    return value;
  }

  override reset(): void {
    this.fids.clear();
    this.session.listings.clear();
    this.host.state().msize = 0;
  }

  /** Files of the state that was there before are not those of this one. */
  override restored(): void {
    this.fids.closeHandles();
    this.session.listings.clear();
  }

  override close(): void {
    this.fids.closeHandles();
    this.options.backend.close();
  }

  private answer(queue: VirtioQueue, chain: Chain): number {
    const { readableLength, writableLength } = chain;
    const longest = (this.session.msize() || FIRST_MESSAGE) + READ_OVERHEAD;
    if (readableLength < HEADER || readableLength > longest) {
      throw new RingFault(`a 9P message of ${readableLength} bytes, expected ${HEADER} to ${longest}`);
    }
    if (writableLength < RLERROR_LENGTH) throw new RingFault(`${writableLength} bytes for the answer to a 9P message`);
    const request = readSpans(this.host.memory, chain.readable);
    const reply = answer(this.session, request, writableLength);
    queue.use(chain, writeSpans(this.host.memory, chain.writable, reply));
    return reply.length;
  }
}

function tagBytes(tag: string): Uint8Array {
  return Uint8Array.from({ length: LONGEST_TAG }, (_, index) => tag.charCodeAt(index) & 0xff);
}

export function virtioNinep(options: NinepOptions): VirtioKind<NinepFields, VirtioNinep> {
  return {
    type: TYPE,
    classCode: CLASS_STORAGE_OTHER,
    features: MOUNT_TAG,
    queueSizes: [QUEUE_SIZE],
    configLength: CONFIG_LENGTH,
    shape: (common) => shapeFor(common, options.tag),
    create: (host) => new VirtioNinep(host, options),
  };
}
