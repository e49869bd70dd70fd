// SPDX-License-Identifier: BSD-2-Clause
/** Every field of a snapshot by name, with units and documents from the shapes that declare them. */

import { createHash } from 'node:crypto';
import { type CborMap, type CborValue, isMap } from '../core/cbor.js';
import { printable } from '../core/printable.js';
import type { FieldDescription } from '../core/state-fields.js';
import { shapes } from '../machine/state-registry.js';
import { diskShape } from './disks/disk-record.js';
import { manifestBody, manifestShape } from './manifest.js';
import type { SnapshotFolder } from './snapshot-folder.js';

export interface ShownField {
  readonly path: string;
  readonly value: CborValue;
  readonly unit?: string;
  readonly doc?: string;
}

type Descriptions = Readonly<Record<string, FieldDescription>>;

/** Bytes up to this many are shown as they are, longer ones by length and digest. */
const SHOWN_BYTES = 32;

export function showSnapshot(snapshot: SnapshotFolder): ShownField[] {
  const { digest, producer } = snapshot.manifest;
  const { fields } = manifestShape.save(manifestBody(snapshot.manifest));
  return [
    { path: 'producer', value: producer },
    { path: 'digest', value: digest },
    ...showMap('', fields, manifestShape.describe().fields),
    ...showContent(snapshot),
  ];
}

/** What the machine was: its disks, its vCPUs and its devices. */
export function showContent(snapshot: SnapshotFolder): ShownField[] {
  return [...showDisks(snapshot), ...showState(snapshot.readState())];
}

function showDisks(snapshot: SnapshotFolder): ShownField[] {
  return snapshot.readDisks().flatMap((disk) => showSaved(`disk ${disk.device}`, diskShape.save(disk)));
}

/** The vCPUs and the devices. */
function showState(state: CborValue): ShownField[] {
  if (!isMap(state)) return [{ path: 'state', value: state }];
  const { vcpu = null, processors, devices = null } = state;
  const parts = isMap(devices) ? Object.entries(devices) : [];
  return [
    ...showSaved('vcpu', vcpu),
    ...(processors === undefined ? [] : showSaved('processors', processors)),
    ...parts.flatMap(([id, saved]) => showSaved(printable(id), saved)),
  ];
}

export function valueText(value: CborValue): string {
  if (value instanceof Uint8Array) {
    if (value.length <= SHOWN_BYTES) return Buffer.from(value).toString('hex');
    return `${value.length} bytes, sha256 ${createHash('sha256').update(value).digest('hex')}`;
  }
  if (typeof value === 'string') return printable(JSON.stringify(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Something saved by a shape: its kind says which. An older version is shown without units. */
function showSaved(path: string, saved: CborValue): ShownField[] {
  if (!isMap(saved)) return [{ path, value: saved }];
  const { kind, version, fields } = saved;
  if (!isMap(fields)) return showMap(path, saved, {});
  const shape = [...shapes, diskShape].find((candidate) => candidate.kind === kind && candidate.version === version);
  return showMap(path, fields, shape?.describe().fields ?? {});
}

function showMap(path: string, map: CborMap, descriptions: Descriptions): ShownField[] {
  return Object.entries(map).flatMap(([name, value]) => {
    const description = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
    const shown = printable(name);
    return showValue(path === '' ? shown : `${path}.${shown}`, value, description);
  });
}

function showValue(path: string, value: CborValue, description: FieldDescription | undefined): ShownField[] {
  if (description?.shape !== undefined) return showSaved(path, value);
  if (isMap(value)) return showMap(path, value, description?.fields ?? description?.element?.fields ?? {});
  if (Array.isArray(value)) {
    return value.flatMap((element, index) => showValue(`${path}[${index}]`, element, description?.element));
  }
  const { unit, doc } = description ?? {};
  return [{ path, value, ...(unit !== undefined && { unit }), ...(doc !== undefined && { doc }) }];
}
