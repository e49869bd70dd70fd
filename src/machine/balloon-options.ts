// SPDX-License-Identifier: BSD-2-Clause
/** The options of a memory balloon, from words to values, and what it may be asked for. */
import { BALLOON_PAGE } from '../../devices/virtio/balloon-pages.js';
import { byteCount } from '../core/byte-count.js';
import { type Options, TRANSPORT_OPTIONS, transport, type VirtioOptions, Words } from './virtio-options.js';

export interface BalloonConfig extends VirtioOptions {
  /** Bytes that the guest is asked to give from the start. */
  readonly size: number;
  readonly deflateOnOom: boolean;
  readonly reporting: boolean;
}

export const BALLOON_OPTIONS = ['size', 'deflate-on-oom', 'reporting', ...TRANSPORT_OPTIONS];

export function balloonConfig(where: string, options: Options, memory: number): BalloonConfig {
  const words = new Words(where, options);
  const size = byteCount(options.size ?? '0');
  const refusal = balloonRefusal(size, memory);
  if (refusal !== null) throw words.error('size', `'${options.size}'; ${refusal}`);
  return {
    ...transport(words),
    size,
    deflateOnOom: words.flag('deflate-on-oom'),
    reporting: words.flag('reporting', true),
  };
}

/** Why the balloon of a machine with so much memory cannot have so many bytes; null if it can. */
export function balloonRefusal(size: number, memory: number): string | null {
  if (size >= 0 && size <= memory && size % BALLOON_PAGE === 0) return null;
  return `a multiple of 4K up to the machine's ${memory} bytes of memory is accepted`;
}
