// SPDX-License-Identifier: BSD-2-Clause
/** The options of shared folders, from words to values. */
import { LONGEST_TAG } from '../../devices/virtio/ninep.js';
import { type Options, TRANSPORT_OPTIONS, transport, type VirtioOptions, Words } from './virtio-options.js';

export interface FolderConfig extends VirtioOptions {
  readonly path: string;
  /** What the guest mounts. */
  readonly tag: string;
  readonly readOnly: boolean;
}

export const FOLDER_OPTIONS = ['sharename', 'path', 'ro', 'rw', ...TRANSPORT_OPTIONS];

const TAG = /^[\x20-\x7e]+$/;

export function folderConfig(where: string, options: Options): FolderConfig {
  const words = new Words(where, options);
  const { sharename: tag = '', path = '' } = options;
  if (tag === '' || path === '') throw words.error('sharename', 'missing; give NAME=FOLDER, or sharename= and path=');
  if (!TAG.test(tag) || tag.length > LONGEST_TAG) {
    throw words.error('sharename', `'${tag}'; 1 to ${LONGEST_TAG} printable characters are accepted`);
  }
  const isWritable = words.flag('rw');
  if (isWritable && words.flag('ro')) throw words.error('rw', 'given together with ro');
  return { ...transport(words), path, tag, readOnly: !isWritable };
}
