// SPDX-License-Identifier: BSD-2-Clause
/** A stranger's snapshot: files with any contents, and the right digests for them. */
import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Overwrites a finished file, as only a vandal does. */
export function overwrite(path: string, bytes: Uint8Array): void {
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

/** The manifest's text with the digest that its author would give it. */
export function signed(document: unknown): string {
  const text = (digest: string) => `${JSON.stringify({ ...(document as object), digest }, null, 2)}\n`;
  return text(createHash('sha256').update(text('')).digest('hex'));
}

/** Puts `bytes` in place of the state or the index, and their digest into the manifest. */
export function forge(folder: string, part: 'state' | 'index', bytes: Uint8Array): void {
  overwrite(join(folder, `${part}.cbor`), bytes);
  const manifest = join(folder, 'manifest.json');
  const document = JSON.parse(readFileSync(manifest, 'utf8')) as { body: { files: Record<string, unknown> } }; // we wrote it
  document.body.files[part] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  overwrite(manifest, Buffer.from(signed(document)));
}

const DISK = 'disks/pci-0.3.0.cbor';

/** What a snapshot says about its first disk. */
export function savedDisk({ root }: { readonly root: string }, name: string): Uint8Array {
  return Uint8Array.from(readFileSync(join(root, name, DISK)));
}

/** Puts `bytes` in their place, and their digest into the manifest; `change` may change that, too. */
export function forgeDisk(
  { root }: { readonly root: string },
  name: string,
  bytes: Uint8Array,
  change: (reference: Record<string, unknown>) => void = () => {},
): void {
  overwrite(join(root, name, DISK), bytes);
  const manifest = join(root, name, 'manifest.json');
  const document = JSON.parse(readFileSync(manifest, 'utf8')) as { body: { disks: Record<string, unknown>[] } }; // we wrote it
  const [reference = {}] = document.body.disks;
  reference.bytes = bytes.length;
  reference.sha256 = createHash('sha256').update(bytes).digest('hex');
  change(reference);
  overwrite(manifest, Buffer.from(signed(document)));
}
