// SPDX-License-Identifier: BSD-2-Clause
/** What a process did to a folder, as test/native/crash-shim writes it down. */

/** Files and folders are numbered by their making, because a file system gives inode numbers again. 0 is the folder itself. */
export type Change =
  | { readonly kind: 'folder' | 'create'; readonly at: Place; readonly object: number; readonly mode: number }
  | { readonly kind: 'write'; readonly object: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly object: number; readonly size: number }
  | { readonly kind: 'allocate'; readonly object: number; readonly end: number }
  | { readonly kind: 'rename'; readonly at: Place; readonly to: Place }
  | { readonly kind: 'remove'; readonly at: Place }
  | { readonly kind: 'mode'; readonly object: number; readonly mode: number }
  | { readonly kind: 'sync'; readonly object: number }
  | { readonly kind: 'mark'; readonly text: string };

export interface Place {
  /** Number of the folder. */
  readonly folder: number;
  readonly name: string;
}

export function parseLog(log: string, rootInode: number): Change[] {
  const objects = new Map([[String(rootInode), 0]]);
  let made = 0;
  const object = (inode = ''): number => {
    const known = objects.get(inode);
    if (known === undefined) throw new Error(`the log speaks of inode ${inode}, which nobody made`);
    return known;
  };
  const place = (folder?: string, name = ''): Place => ({ folder: object(folder), name });
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Change => {
      const [kind = '', ...words] = line.split(' ');
      const number = (index: number): number => Number(words[index]);
      switch (kind) {
        case 'folder':
        case 'create': {
          const at = place(words[0], words[1]);
          made += 1;
          objects.set(words[2] ?? '', made);
          return { kind, at, object: made, mode: number(3) };
        }
        case 'write':
          return { kind, object: object(words[0]), offset: number(1), bytes: Buffer.from(words[2] ?? '', 'hex') };
        case 'punch': // what is within the file reads as zeros then
          return { kind: 'write', object: object(words[0]), offset: number(1), bytes: Buffer.alloc(number(2)) };
        case 'resize':
          return { kind, object: object(words[0]), size: number(1) };
        case 'allocate':
          return { kind, object: object(words[0]), end: number(1) };
        case 'rename':
          return { kind, at: place(words[0], words[1]), to: place(words[2], words[3]) };
        case 'remove':
          return { kind, at: place(words[0], words[1]) };
        case 'mode':
          return { kind, object: object(words[0]), mode: number(1) };
        case 'sync':
          return { kind, object: object(words[0]) };
        case 'mark':
          return { kind, text: words.join(' ') };
      }
      throw new Error(`the log has a call that nobody models: ${line}`);
    });
}
