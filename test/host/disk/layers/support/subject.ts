// SPDX-License-Identifier: BSD-2-Clause
/** A layered disk beside plain buffers that say what it must hold. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrozenPoint, LayeredDisk, OpenOptions } from '../../../../../src/host/disk/layers/api.js';
import { diskLayers } from '../../../../../src/host/disk/layers/disk-layers.js';
import { LayeredImage } from '../../../../../src/hypervisor/layered-image.js';

/** Ends within a block. */
export const DISK = 40 * 4096 + 1024;

export function pattern(bytes: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => index * 7 + (index >>> 9) * 13 + seed));
}

export function temporaryImage(parent = tmpdir()): { folder: string; path: string } {
  const folder = mkdtempSync(join(parent, 'layers-'));
  const path = join(folder, 'disk.img');
  writeFileSync(path, pattern(DISK, 1));
  return { folder, path };
}

export class OpenSubject {
  readonly disk: LayeredDisk;
  readonly image: LayeredImage;

  constructor(path: string, options: Partial<OpenOptions> = {}) {
    this.disk = diskLayers.open(path, { readOnly: false, ...options });
    this.image = new LayeredImage(this.disk.files(), this.disk.capacity, false);
    this.disk.attach(this.image);
  }

  content(): Buffer {
    return this.read(0, DISK);
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length, 0xee);
    expect(this.image.perform({ kind: 'read', offset, length, memory: [bytes] })).toBe(0);
    return bytes;
  }

  write(offset: number, bytes: Buffer): void {
    expect(this.image.perform({ kind: 'write', offset, length: bytes.length, memory: [bytes] })).toBe(0);
  }

  close(): void {
    this.image.flush();
    this.drop();
  }

  /** Without a flush. */
  drop(): void {
    this.image.close();
    this.disk.close();
  }
}

/** What the disk was at that instant, without a change to it. */
export function contentAt(path: string, point: FrozenPoint, line: string | null = null): Buffer {
  const subject = new OpenSubject(path, { at: point, line });
  try {
    return subject.content();
  } finally {
    subject.drop();
  }
}

export function contentOf(path: string): Buffer {
  const subject = new OpenSubject(path, { readOnly: true });
  try {
    return subject.content();
  } finally {
    subject.drop();
  }
}

export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
