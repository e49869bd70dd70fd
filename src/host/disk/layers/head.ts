// SPDX-License-Identifier: BSD-2-Clause
/** `HEAD`: which files make a disk now. Whoever holds the lock of its line replaces it. */
import { count, hexText, text } from '../../../core/json-fields.js';
import { StateError } from '../../../core/state-error.js';
import { bool, list, optional, record, type StateOf, u32 } from '../../../core/state-fields.js';
import { StateShape } from '../../../core/state-shape.js';
import { fileIdentity, fileName, frozenFile, frozenPoint, IMAGE, LAYERS_MAX, ownerId } from './identity.js';

export const PATH_MAX = 4096;
export const STRAYS_MAX = 1024;

const fields = {
  generation: count({ doc: 'goes up with each change' }),
  bytes: count({ unit: 'bytes', doc: 'size of the disk' }),
  base: fileName,
  identity: optional(fileIdentity, { doc: 'of the base; none while the base itself is written to' }),
  mode: u32({ doc: 'permissions that the image had before it was frozen' }),
  chain: list(frozenFile, { max: LAYERS_MAX, doc: 'frozen layers, from the oldest' }),
  top: optional(hexText(16), { doc: 'the layer that is written to; none: the base is' }),
  owner: optional(
    record({
      id: ownerId,
      path: text({ max: PATH_MAX }),
      written: fileIdentity,
    }),
    { doc: 'a suspend that goes on from here, and what the file that it writes to was' },
  ),
  strays: list(record({ id: hexText(16), since: count({ unit: 'ms' }), point: frozenPoint }), {
    max: STRAYS_MAX,
    doc: 'states that were set aside by restores',
  }),
  known: optional(record({ file: fileName, identity: fileIdentity }), {
    doc: 'a clone with the content that the image had when it was this',
  }),
  committing: bool({ doc: 'the layers are being written into the image' }),
};

export type Head = StateOf<typeof fields>;

export const headShape = new StateShape('disk-head', 1, fields, {
  doc: 'Which files make a disk',
  check({ chain, top, base, identity }) {
    if (top === null && chain.length > 0) throw new StateError('top', 'expected a layer above the chain, got none');
    if (top !== null && identity === null) throw new StateError('identity', 'expected one under a layer, got none');
    if (top === null && base !== IMAGE) throw new StateError('base', 'expected the image without a layer');
    const names = [base, ...chain.map(({ file }) => file), ...(top === null ? [] : [layerName(top)])];
    if (new Set(names).size !== names.length) throw new StateError('chain', 'expected every file once');
    if (!chain.every(({ file }) => file.startsWith('layer-'))) throw new StateError('chain', 'expected layers');
  },
});

export function layerName(id: string): string {
  return `layer-${id}`;
}

export function flatHead(bytes: number, mode: number): Head {
  return { ...headShape.initial(), bytes, mode };
}
