// SPDX-License-Identifier: BSD-2-Clause
/** A program of Debian's with the libraries that it needs, as files of an initramfs. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../scripts/quickstart/cpio.js';
import type { DebianPackages } from '../../../scripts/quickstart/debian-packages.js';

const LIBRARIES = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib64'];
const LOADER = 'ld-linux-x86-64.so.2';

/** `names` are what the program may be called; it becomes `as` in /bin. It and all libraries are in these packages. */
export async function programFiles(
  packages: DebianPackages,
  from: readonly string[],
  as: string,
  names: readonly string[] = [as],
): Promise<Entry[]> {
  const trees: string[] = [];
  for (const name of from) trees.push(await packages.unpacked(name));
  const program = found(trees, ['usr/bin'], ...names);
  const libraries = new Map<string, string>([[LOADER, found(trees, LIBRARIES, LOADER)]]);
  const add = (path: string): void => {
    for (const name of needed(path)) {
      if (libraries.has(name)) continue;
      const library = found(trees, LIBRARIES, name);
      libraries.set(name, library);
      add(library);
    }
  };
  add(program);
  const file = (name: string, path: string): Entry => ({
    kind: 'file',
    name,
    bytes: readFileSync(path),
    executable: true,
  });
  return [
    ...['lib', 'lib/x86_64-linux-gnu', 'lib64'].map((name): Entry => ({ kind: 'folder', name })),
    file(`bin/${as}`, program),
    file(`lib64/${LOADER}`, found(trees, LIBRARIES, LOADER)),
    ...[...libraries].map(([name, path]) => file(`lib/x86_64-linux-gnu/${name}`, path)),
  ];
}

function found(trees: readonly string[], folders: readonly string[], ...names: readonly string[]): string {
  const paths = names.flatMap((name) => trees.flatMap((tree) => folders.map((folder) => join(tree, folder, name))));
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`no ${names.join(' or ')} in the packages of the guest`);
  return path;
}

function needed(path: string): string[] {
  const text = execFileSync('objdump', ['-p', path], { encoding: 'utf8' });
  return [...text.matchAll(/^\s+NEEDED\s+(\S+)$/gm)].map(([, name = '']) => name);
}
