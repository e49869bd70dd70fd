// SPDX-License-Identifier: BSD-2-Clause
/** What is done to a disk under the shim, and what it may hold at every instant of it. */

export const SECTOR = 512;
/** Ends within a block. */
export const SECTORS = 20 * 8 + 2;

export type Step =
  | { readonly kind: 'write' | 'zero'; readonly sector: number; readonly count: number }
  | { readonly kind: 'flush' | 'snapshot' | 'merge' | 'reopen' | 'suspend' | 'commit' }
  /** By the number of the snapshot. */
  | { readonly kind: 'restore' | 'unpin'; readonly snapshot: number };

const write = (sector: number, count: number): Step => ({ kind: 'write', sector, count });

export const PLANS: Readonly<Record<string, readonly Step[]>> = {
  flat: [write(0, 20), { kind: 'flush' }, write(3, 9), { kind: 'zero', sector: 8, count: 17 }, { kind: 'reopen' }],
  layers: [
    write(0, 20),
    { kind: 'snapshot' },
    write(5, 6),
    { kind: 'flush' },
    { kind: 'zero', sector: 6, count: 30 },
    write(155, 7),
    { kind: 'flush' },
    write(9, 1),
    { kind: 'snapshot' },
    write(100, 3),
    { kind: 'flush' },
  ],
  restore: [
    { kind: 'snapshot' },
    write(2, 3),
    { kind: 'snapshot' },
    write(3, 3),
    { kind: 'restore', snapshot: 0 },
    write(40, 2),
    { kind: 'unpin', snapshot: 1 },
    { kind: 'restore', snapshot: 0 },
  ],
  suspend: [write(2, 3), { kind: 'suspend' }, { kind: 'snapshot' }, write(3, 3), { kind: 'suspend' }, write(9, 2)],
  merge: [
    ...Array.from({ length: 10 }, (_, index) => [write(index * 3, 4), { kind: 'snapshot' as const }]).flat(),
    { kind: 'merge' },
    ...[9, 0, 5].map((snapshot) => ({ kind: 'unpin' as const, snapshot })),
  ],
  commit: [
    { kind: 'snapshot' },
    write(2, 3),
    { kind: 'snapshot' },
    write(3, 40),
    { kind: 'unpin', snapshot: 0 },
    { kind: 'unpin', snapshot: 1 },
    { kind: 'commit' },
    write(7, 1),
  ],
};

/** What step `index` of a plan puts into a sector: nothing else holds it. */
export function sectorText(index: number, sector: number): string {
  return `step ${index} sector ${sector};`;
}

export function fill(index: number, sector: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * SECTOR);
  for (let at = 0; at < count; at += 1) bytes.write(sectorText(index, sector + at), at * SECTOR, 'latin1');
  return bytes;
}

/** The content of the disk, by what each sector may begin with. */
export class Allowed {
  private readonly stable: string[];
  private readonly since = new Map<number, string[]>();

  constructor(stable?: readonly string[]) {
    this.stable = [...(stable ?? Array.from({ length: SECTORS }, (_, sector) => sectorText(-1, sector)))];
  }

  change(sector: number, text: string): void {
    this.since.set(sector, [...(this.since.get(sector) ?? []), text]);
  }

  flush(): void {
    for (const [sector, texts] of this.since) this.stable[sector] = texts.at(-1) ?? '';
    this.since.clear();
  }

  /** After a flush. */
  content(): readonly string[] {
    return this.stable;
  }

  /** The first sector that holds what it must not; null if there is none. */
  wrong(bytes: Buffer): string | null {
    for (let sector = 0; sector < SECTORS; sector += 1) {
      const text = bytes.toString('latin1', sector * SECTOR, (sector + 1) * SECTOR).replace(/\0+$/, '');
      const allowed = [this.stable[sector] ?? '', ...(this.since.get(sector) ?? [])];
      if (!allowed.includes(text)) return `sector ${sector} holds '${text}' instead of '${allowed.join("' or '")}'`;
    }
    return null;
  }
}
