// SPDX-License-Identifier: BSD-2-Clause
/**
 * `manifest.json`. Its head, the first three members, is readable for ever: which format, who wrote it, and the digest of
 * the whole text. The body belongs to the format named there.
 */
import { createHash } from 'node:crypto';
import { GENERATION_BYTES } from '../../devices/acpi/vm-generation.js';
import type { CborMap, CborValue } from '../core/cbor.js';
import { isMap } from '../core/cbor.js';
import { count, decimal, hexText, text } from '../core/json-fields.js';
import { got } from '../core/state-error.js';
import { hostString, list, oneOf, optional, record, u32 } from '../core/state-fields.js';
import { type StateOf, StateShape } from '../core/state-shape.js';
import { GUEST_CLOCKS } from '../machine/config.js';
import { compatibilityRecord } from './compatibility.js';
import { configRecord } from './config-record.js';
import { diskReference } from './disks/disk-record.js';
import { refusing, SnapshotError } from './snapshot-error.js';

/** Frozen: what is written in it can be read for ever. */
export const FORMAT_VERSION = 1;
/** Before disks were part of a snapshot; it was never final. */
const PROVISIONAL_VERSION = 0;
export const MANIFEST_MAX = 1024 * 1024;
/** Whether a restored machine may be the second one that goes on from there. */
export const IDENTITIES = ['keep', 'new'] as const;
/** What becomes of the hardware addresses of network cards then. */
export const ADDRESSES = ['keep', 'new'] as const;
const DEVICES_MAX = 4096;
const SEGMENTS_MAX = 16;
/** Functions of a PCI bus. */
const DISKS_MAX = 256;

const file = record({ bytes: count({ unit: 'bytes' }), sha256: hexText(32) });

const body = {
  id: hexText(16, { doc: 'drawn when the snapshot was made' }),
  kind: oneOf(['snapshot', 'suspend']),
  host: hostString({ max: 64, doc: 'digest that names the host' }),
  parent: optional(record({ id: hexText(16), manifest: hexText(32, { doc: 'digest in its head' }) })),
  machine: configRecord,
  compatibility: compatibilityRecord,
  devices: list(record({ id: text({ max: 64 }), kind: text({ max: 64 }), version: u32() }), { max: DEVICES_MAX }),
  clock: record({
    time: decimal({ unit: 'ns', doc: 'VM time' }),
    wall: decimal({ unit: 'ns', doc: 'host time since 1970 when the guest stood still' }),
    policy: oneOf(GUEST_CLOCKS, {
      doc: 'whether a restore moves the real-time clock by the host time that has passed',
    }),
  }),
  clone: record({
    generation: hexText(GENERATION_BYTES, { doc: 'VM generation id' }),
    restored: optional(
      record({
        from: hexText(16, { doc: 'the snapshot that the machine came from' }),
        identity: oneOf(IDENTITIES, { doc: 'whether it got a new generation id there' }),
        addresses: oneOf(ADDRESSES, { doc: 'whether its network cards got new addresses there' }),
        advanced: decimal({ unit: 'ns', doc: 'by which its real-time clock was moved there' }),
      }),
    ),
  }),
  ram: record({
    segments: list(count({ unit: 'bytes' }), { max: SEGMENTS_MAX }),
    stored: count({ unit: 'bytes', doc: 'pages that are not zero' }),
    xxh3: hexText(16, { doc: 'XXH3-128 of the stored pages in page order' }),
  }),
  files: record({ state: file, index: file }),
  disks: list(diskReference, { max: DISKS_MAX, doc: 'each a file of the folder `disks`' }),
};

export const manifestShape = new StateShape('snapshot-manifest', 1, body);
export type ManifestBody = StateOf<typeof body>;

export interface Manifest extends ManifestBody {
  /** From the head; a child names its parent by it. */
  readonly digest: string;
  readonly producer: string;
}

export interface ManifestHead {
  readonly format: number;
  readonly producer: string;
  readonly digest: string;
}

/** The text of the file, and the digest in its head. */
export function encodeManifest(values: ManifestBody, producer: string): { text: string; digest: string } {
  const { fields } = manifestShape.save(values, 'body');
  const digest = digestOf(layout(producer, '', fields));
  return { text: layout(producer, digest, fields), digest };
}

/** What any version of any file says about itself. */
export function decodeHead(bytes: Uint8Array, path: string): ManifestHead & { readonly body: CborValue } {
  const document = refusing(path, () => {
    const decoded: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return decoded as CborValue; // what JSON has is among what CBOR has, fractions apart, and those every field refuses
  });
  if (!isMap(document)) throw new SnapshotError(path, `expected a manifest, got ${got(document)}`);
  const { format, producer, digest } = document;
  if (typeof format !== 'number' || !Number.isSafeInteger(format) || format < 0) {
    throw new SnapshotError(`${path}: format`, `expected a format number, got ${got(format)}`);
  }
  if (typeof producer !== 'string')
    throw new SnapshotError(`${path}: producer`, `expected a text, got ${got(producer)}`);
  if (typeof digest !== 'string') throw new SnapshotError(`${path}: digest`, `expected a text, got ${got(digest)}`);
  return { format, producer, digest, body: document.body ?? null };
}

export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  return refusing(path, () => decodeChecked(bytes, path));
}

function decodeChecked(bytes: Uint8Array, path: string): Manifest {
  const { format, producer, digest, body: saved } = decodeHead(bytes, path);
  if (format !== FORMAT_VERSION) {
    const about =
      format === PROVISIONAL_VERSION ? ', which was never final: only the release that wrote it reads it' : '';
    throw new SnapshotError(
      `${path}: format`,
      `written by ${producer} in format ${format}${about}; expected ${FORMAT_VERSION}`,
    );
  }
  if (!isMap(saved)) throw new SnapshotError(`${path}: body`, `expected a map, got ${got(saved)}`);
  // Written anew it must be the same text: so no other spelling, no second member of one name, and nothing left out.
  if (layout(producer, digest, saved) !== new TextDecoder().decode(bytes)) {
    throw new SnapshotError(path, 'not written as a manifest is');
  }
  if (digestOf(layout(producer, '', saved)) !== digest) {
    throw new SnapshotError(`${path}: digest`, 'the manifest does not match its digest');
  }
  const whole = { kind: manifestShape.kind, version: manifestShape.version, fields: saved };
  return { ...manifestShape.load(whole, 'body'), producer, digest };
}

/** A manifest without its head. */
export function manifestBody({ digest: _digest, producer: _producer, ...values }: Manifest): ManifestBody {
  return values;
}

function layout(producer: string, digest: string, fields: CborMap): string {
  return `${JSON.stringify({ format: FORMAT_VERSION, producer, digest, body: fields }, null, 2)}\n`;
}

function digestOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
