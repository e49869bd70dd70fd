// SPDX-License-Identifier: BSD-2-Clause
/** Single pages of a chain, for those who compare. */
import { readSync } from 'node:fs';
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import { hasPage } from './page-index.js';
import { SnapshotError } from './snapshot-error.js';
import type { OpenLayer } from './snapshot-folder.js';

/** Segments lie one after another in the file, each at a multiple of 64 KiB. */
export function fileOffset(segments: readonly number[], page: number): number {
  let [rest, offset] = [page * PAGE_SIZE, 0];
  for (const bytes of segments) {
    if (rest < bytes) break;
    rest -= bytes;
    offset = Math.ceil((offset + bytes) / 0x1_0000) * 0x1_0000;
  }
  return offset + rest;
}

export class PageReader {
  private readonly buffer = Buffer.alloc(PAGE_SIZE);

  constructor(private readonly layers: readonly OpenLayer[]) {}

  /** The layer that has the page; none if it is zero. */
  sourceOf(page: number): OpenLayer | undefined {
    const layer = this.layers.find(({ index }) => index.present === null || hasPage(index.present, page));
    return layer !== undefined && hasPage(layer.index.stored, page) ? layer : undefined;
  }

  read(layer: OpenLayer | undefined, offset: number): Buffer {
    if (layer === undefined) return this.buffer.fill(0);
    const count = readSync(layer.fd, this.buffer, 0, PAGE_SIZE, offset);
    if (count !== PAGE_SIZE)
      throw new SnapshotError(layer.snapshot.label('ram'), `ends before byte ${offset + PAGE_SIZE}`);
    return this.buffer;
  }
}
