// SPDX-License-Identifier: BSD-2-Clause
/** What a snapshot says about one disk of its machine: a file of its folder, which the manifest names with its digest. */
import { createHash } from 'node:crypto';
import { decode, encode } from '../../core/cbor.js';
import { count, hexText, text } from '../../core/json-fields.js';
import { hostString, oneOf, optional, record } from '../../core/state-fields.js';
import { type StateOf, StateShape } from '../../core/state-shape.js';
import { frozenPoint } from '../../host/disk/layers/identity.js';
import { refusing } from '../snapshot-error.js';

export const DISK_RECORD_MAX = 256 * 1024;
/** The key of a PCI function in the device tree. */
const DEVICE_ID = /^pci-[0-9]{1,3}:[0-9]{1,2}:[0-7]$/;

const DISK_KINDS = ['layers', 'read-only'] as const;

const fields = {
  device: text({ max: 64, doc: 'which device of the machine it belongs to' }),
  kind: oneOf(DISK_KINDS, { doc: 'layers: what follows is its content; read-only: nobody writes to it' }),
  path: hostString({ doc: 'the image when it was saved' }),
  line: optional(text({ max: 64, doc: 'of the clone that writes to it; null: the image itself' })),
  capacity: count({ unit: 'bytes' }),
  point: optional(frozenPoint, { doc: 'the files that make its content' }),
};

export const diskShape = new StateShape('snapshot-disk', 1, fields);
export type DiskRecord = StateOf<typeof fields>;

/** A disk file as the manifest refers to it. */
export const diskReference = record({
  device: text({ max: 64, pattern: DEVICE_ID, expected: 'a PCI function such as pci-0:3:0', initial: 'pci-0:0:0' }),
  bytes: count({ unit: 'bytes' }),
  sha256: hexText(32),
});
export type DiskReference = StateOf<{ reference: typeof diskReference }>['reference'];

/** Name of the file in the folder `disks`. */
export function diskFile(device: string): string {
  return `${device.replaceAll(':', '.')}.cbor`;
}

export function encodeDisk(values: DiskRecord): { bytes: Uint8Array; reference: DiskReference } {
  const bytes = encode(diskShape.save(values, 'disk'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { bytes, reference: { device: values.device, bytes: bytes.length, sha256 } };
}

export function decodeDisk(bytes: Uint8Array, path: string): DiskRecord {
  return refusing(path, () => diskShape.load(decode(bytes), 'disk'));
}
