// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio entropy device, `virtio-rnd` in bhyve: fills whatever buffers the driver gives it with random bytes.
 * Reference: VIRTIO-1.2 §5.4. Under the virtual clock the bytes follow from a seed, and that generator is state; else they
 * are the host's, and a recording of the run has to hold them.
 */
import { bytes, u64 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { writeSpans } from './chain.js';
import type { EntropySource } from './entropy-source.js';
import { KEY_LENGTH, keyStream } from './key-stream.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 4;
const CLASS_OTHER = 0x00ff00;
const QUEUE_SIZE = 64;
/** A driver may ask for gigabytes; it gets this much and asks again (§5.4.6.2). */
const MOST_BYTES = 4096;
const BUFFERS_AT_ONCE = 16;

/** `source` null: the bytes follow from `seed`. */
export interface RngOptions {
  readonly source: EntropySource | null;
  readonly seed: Uint8Array;
}

function shapeFor(common: VirtioPciFields, seed: Uint8Array) {
  return new StateShape('virtio-rnd', 1, {
    ...common,
    key: bytes(KEY_LENGTH, { initial: seed, keepOnReset: true, doc: 'of the generator, under the virtual clock' }),
    blocks: u64({ keepOnReset: true, doc: 'that the generator has given' }),
  });
}

export type RngFields = ReturnType<typeof shapeFor>['fields'];
interface RngState {
  key: Uint8Array;
  blocks: bigint;
}

export class VirtioRng extends VirtioModel {
  constructor(
    private readonly host: VirtioHost<RngState>,
    private readonly source: EntropySource | null,
  ) {
    super();
  }

  override renew(seed: Uint8Array): void {
    const state = this.host.state();
    state.key = state.key.map((byte, index) => byte ^ (seed[index % seed.length] ?? 0));
  }

  process(queue: VirtioQueue): void {
    queue.takeSome(BUFFERS_AT_ONCE, (chain) => {
      const random = this.random(Math.min(chain.writableLength, MOST_BYTES));
      queue.use(chain, writeSpans(this.host.memory, chain.writable, random));
    });
  }

  private random(length: number): Uint8Array {
    const random = new Uint8Array(length);
    if (this.source === null) {
      const state = this.host.state();
      state.blocks = keyStream(state.key, state.blocks, random);
    } else {
      this.source.fill(random);
    }
    return random;
  }
}

export function virtioRng({ source, seed }: RngOptions): VirtioKind<RngFields, VirtioRng> {
  if (seed.length !== KEY_LENGTH) throw new RangeError(`seed: expected ${KEY_LENGTH} bytes, got ${seed.length}`);
  return {
    type: TYPE,
    classCode: CLASS_OTHER,
    features: 0n,
    queueSizes: [QUEUE_SIZE],
    configLength: 0,
    shape: (common) => shapeFor(common, seed),
    create: (host) => new VirtioRng(host, source),
  };
}
