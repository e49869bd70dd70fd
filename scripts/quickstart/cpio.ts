// SPDX-License-Identifier: BSD-2-Clause
/** The cpio archive format "newc", in which Linux takes its initramfs (Documentation/driver-api/early-userspace/buffer-format.rst). */
const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';

const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

export type Entry =
  | { readonly kind: 'folder'; readonly name: string }
  | { readonly kind: 'file'; readonly name: string; readonly bytes: Uint8Array; readonly executable?: boolean }
  | { readonly kind: 'link'; readonly name: string; readonly target: string }
  | { readonly kind: 'character-device'; readonly name: string; readonly major: number; readonly minor: number };

/** Everything belongs to root and has time 0, so the same entries are always the same bytes. */
export function cpioArchive(entries: readonly Entry[]): Uint8Array {
  return Buffer.concat([...cpioParts(entries)]);
}

/** The same piece by piece, for what does not fit into memory. */
export function* cpioParts(entries: Iterable<Entry>): Generator<Uint8Array> {
  let inode = 0;
  for (const entry of entries) yield member(++inode, entry);
  yield header({ inode: 0, mode: 0, links: 1, size: 0, major: 0, minor: 0, name: TRAILER });
}

function member(inode: number, entry: Entry): Uint8Array {
  const { name } = entry;
  const plain = { inode, name, links: 1, size: 0, major: 0, minor: 0 };
  switch (entry.kind) {
    case 'folder':
      return header({ ...plain, mode: S_IFDIR | 0o755, links: 2 });
    case 'file': {
      const mode = S_IFREG | (entry.executable ? 0o755 : 0o644);
      return Buffer.concat([header({ ...plain, mode, size: entry.bytes.length }), padded(entry.bytes)]);
    }
    case 'link': {
      const target = Buffer.from(entry.target);
      return Buffer.concat([header({ ...plain, mode: S_IFLNK | 0o777, size: target.length }), padded(target)]);
    }
    case 'character-device':
      return header({ ...plain, mode: S_IFCHR | 0o600, major: entry.major, minor: entry.minor });
  }
}

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly size: number;
  readonly major: number;
  readonly minor: number;
  readonly name: string;
}

function header({ inode, mode, links, size, major, minor, name }: Header): Uint8Array {
  const nameBytes = Buffer.from(`${name}\0`);
  const numbers = [inode, mode, 0, 0, links, 0, size, 0, 0, major, minor, nameBytes.length, 0];
  const text = MAGIC + numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return padded(Buffer.concat([Buffer.from(text), nameBytes]));
}

/** Headers with their names, and contents, each end on a multiple of four. */
function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
