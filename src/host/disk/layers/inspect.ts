// SPDX-License-Identifier: BSD-2-Clause
/** What belongs to an image, for people and programs. Changes nothing, and works while a VM runs on it. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { lockFile } from '../../../hypervisor/ram-files.js';
import type { DiskOwner, FrozenPoint } from './api.js';
import { pointsOf } from './clean.js';
import { LayerFolder } from './folder.js';
import { type Head, layerName } from './head.js';
import { filesOf, IMAGE } from './identity.js';
import { readPins } from './pins.js';
import { pointProblems } from './verify-point.js';

export interface DiskFileInfo {
  readonly file: string;
  /** Bytes of the host's disk that it takes; null if it is not there. */
  readonly stored: number | null;
}

export interface DiskInfo {
  readonly image: string;
  /** Of the disk. */
  readonly bytes: number;
  readonly isFlat: boolean;
  readonly isInUse: boolean;
  readonly generation: number;
  /** From the base up; the last one is written to. */
  readonly files: readonly DiskFileInfo[];
  readonly owner: (DiskOwner & { readonly name: string }) | null;
  readonly pins: readonly {
    readonly name: string;
    readonly id: string;
    readonly path: string;
    /** The snapshot is where it was. */
    readonly isThere: boolean;
    readonly files: readonly string[];
  }[];
  /** What restores have set aside. */
  readonly strays: readonly { readonly id: string; readonly since: number; readonly files: readonly DiskFileInfo[] }[];
  readonly clones: readonly { readonly name: string; readonly files: readonly DiskFileInfo[] }[];
  /** What keeps it from being used. */
  readonly problems: readonly string[];
}

export function inspectDisk(path: string): DiskInfo {
  const folder = new LayerFolder(path);
  const head = folder.exists() ? folder.readHead(null) : null;
  const files = head === null ? [IMAGE] : namesOf(head);
  const info = (name: string): DiskFileInfo => ({ file: name, stored: storedIn(folder, name) });
  return {
    image: folder.image,
    bytes: head?.bytes ?? statSync(folder.image).size,
    isFlat: head === null || head.top === null,
    isInUse: isInUse(folder, head),
    generation: head?.generation ?? 0,
    files: files.map(info),
    owner: head === null || head.owner === null ? null : named(head.owner),
    pins: folder.exists()
      ? readPins(folder).map((pin) => ({
          ...named(pin),
          isThere: existsSync(pin.path),
          files: filesOf(pin.point).map(({ file }) => file),
        }))
      : [],
    strays: (head?.strays ?? []).map(({ id, since, point }) => ({ id, since, files: names(point).map(info) })),
    clones: clonesOf(folder).map(({ name, clone }) => ({ name, files: namesOf(clone).map(info) })),
    problems: head === null || head.committing ? [] : pointsOf(head).flatMap((point) => pointProblems(folder, point)),
  };
}

function clonesOf(folder: LayerFolder): { name: string; clone: Head }[] {
  return folder.lines().flatMap((line) => {
    const clone = line === null ? null : folder.readHead(line);
    return line === null || clone === null ? [] : [{ name: line, clone }];
  });
}

function namesOf({ base, chain, top }: Head): string[] {
  return [base, ...chain.map(({ file }) => file), ...(top === null ? [] : [layerName(top)])];
}

function names(point: FrozenPoint): string[] {
  return filesOf(point).map(({ file }) => file);
}

function named({ id, path }: DiskOwner): DiskOwner & { name: string } {
  return { id, path, name: basename(path) };
}

function storedIn(folder: LayerFolder, file: string): number | null {
  const found = statSync(folder.path(file), { throwIfNoEntry: false });
  return found === undefined ? null : found.blocks * 512;
}

function isInUse(folder: LayerFolder, head: Head | null): boolean {
  const isLayered = head !== null && head.top !== null;
  const lock = isLayered ? folder.openLineLock(null, true) : openSync(folder.image, 'r');
  if (lock === null) return false;
  try {
    return !lockFile(lock, 'exclusive');
  } finally {
    closeSync(lock);
  }
}
