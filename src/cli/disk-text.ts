// SPDX-License-Identifier: BSD-2-Clause
/** What `tsbhyve disk info` prints. */
import { printable } from '../core/printable.js';
import type { DiskFileInfo, DiskInfo } from '../host/disk/layers/inspect.js';
import { sizeText } from './sizes.js';

export function diskText(info: DiskInfo): string {
  const { image, bytes, isFlat, isInUse, files, owner, pins, strays, clones, problems } = info;
  const use = isInUse ? ', in use by a VM' : '';
  const shape = isFlat ? 'flat' : layers(files.length - 1);
  const lines = [
    `${image}: ${sizeText(bytes)}, ${shape}${use}`,
    ...files.map((file) => `  ${fileText(file)}`),
    ...(owner === null ? [] : [`  belongs to the suspend ${owner.name} (${owner.path})`]),
    ...pins.map(
      ({ name, path, isThere, files: needed, id }) =>
        `  needed by the snapshot ${name} (${path}): image and ${layers(needed.length - 1)}` +
        (isThere ? '' : `; it is not there: if it is gone for good: tsbhyve disk drop ${image} ${id}`),
    ),
    ...strays.map(
      ({ id, since, files: kept }) =>
        `  set aside by a restore at ${date(since)}: ${id}, ${stored(kept)}; tsbhyve disk recall brings it back, drop removes it`,
    ),
    ...clones.map(({ name, files: kept }) => `  clone ${name}: ${layers(kept.length - 1)}, ${stored(kept.slice(-1))}`),
    ...problems.map((problem) => `  ${problem}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function layers(count: number): string {
  return count === 1 ? '1 layer' : `${count} layers`;
}

function fileText({ file, stored: bytes }: DiskFileInfo): string {
  return `${file}  ${bytes === null ? 'not there' : `${sizeText(bytes)} stored`}`;
}

function stored(files: readonly DiskFileInfo[]): string {
  return `${sizeText(files.reduce((sum, file) => sum + (file.stored ?? 0), 0))} stored`;
}

function date(milliseconds: number): string {
  const made = new Date(milliseconds);
  return Number.isNaN(made.getTime()) ? '?' : made.toISOString().replace(/\.\d+Z$/, 'Z');
}
