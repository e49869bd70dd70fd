// SPDX-License-Identifier: BSD-2-Clause
/** The life of a disk as drawn actions, with what must hold after each. */
import { existsSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import type { DiskOwner } from '../../../../../src/host/disk/layers/api.js';
import { neededFiles } from '../../../../../src/host/disk/layers/clean.js';
import { diskLayers } from '../../../../../src/host/disk/layers/disk-layers.js';
import { LayerFolder } from '../../../../../src/host/disk/layers/folder.js';
import { readPins } from '../../../../../src/host/disk/layers/pins.js';
import { contentAt, DISK, OpenSubject, pattern } from './subject.js';

const SECTORS = DISK / 512;

const range = fc.record({ sector: fc.nat(SECTORS - 1), count: fc.integer({ min: 1, max: 40 }), seed: fc.nat(255) });
const pick = fc.nat(1000);

export const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('zero' as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('discard' as const), range }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('snapshot' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undo' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recall' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unpin' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suspend' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const) }) },
);

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

export class Life {
  private subject: OpenSubject;
  private model: Buffer;
  private readonly kept = new Map<string, Buffer>();
  private readonly strays = new Map<string, Buffer>();
  private drawn = 0;

  constructor(private readonly path: string) {
    this.subject = new OpenSubject(path);
    this.model = this.subject.content();
  }

  run(actions: readonly Action[]): void {
    try {
      for (const one of actions) this.act(one);
      expect(this.subject.content().equals(this.model)).toBe(true);
      this.subject.close();
      this.checkAll();
    } finally {
      this.subject.drop();
    }
  }

  private act(one: Action): void {
    switch (one.kind) {
      case 'write':
      case 'zero':
      case 'discard':
        this.change(one.kind, one.range);
        break;
      case 'flush':
        this.subject.image.flush();
        break;
      case 'snapshot': {
        const { disk } = this.subject;
        const point = disk.freeze(disk.prepare());
        const owner = this.newOwner();
        disk.pin(owner, point);
        diskLayers.confirmPin(this.path, owner);
        this.kept.set(owner.id, Buffer.from(this.model));
        break;
      }
      case 'undo': {
        const { disk } = this.subject;
        const before = disk.chainLength;
        disk.undoFreeze(disk.freeze(null));
        expect(disk.chainLength).toBe(before);
        break;
      }
      case 'restore':
        this.restore([...this.kept.keys()][one.pick % this.kept.size]);
        break;
      case 'recall':
        this.recall(one.pick);
        break;
      case 'unpin': {
        const id = [...this.kept.keys()][one.pick % this.kept.size];
        if (id === undefined) break;
        diskLayers.unpin(this.path, id);
        this.kept.delete(id);
        break;
      }
      case 'reopen':
        this.subject.close();
        this.subject = new OpenSubject(this.path);
        break;
      case 'suspend': {
        const owner = this.newOwner();
        const length = this.subject.disk.chainLength;
        this.subject.disk.setOwner(owner);
        this.subject.close();
        expect(() => new OpenSubject(this.path)).toThrow(/it belongs to the suspend s[0-9]+; resume that/);
        this.subject = new OpenSubject(this.path, { resuming: owner.id });
        this.subject.disk.clearOwner();
        expect(this.subject.disk.chainLength).toBe(length);
        break;
      }
      case 'merge':
        this.merge();
        break;
    }
  }

  private change(
    kind: 'write' | 'zero' | 'discard',
    { sector, count, seed }: { sector: number; count: number; seed: number },
  ) {
    const offset = sector * 512;
    const length = Math.min(count * 512, DISK - offset);
    if (kind === 'write') {
      const bytes = pattern(length, seed);
      this.subject.write(offset, bytes);
      bytes.copy(this.model, offset);
    } else {
      expect(this.subject.image.perform({ kind, offset, length, unmap: seed % 2 === 0 })).toBe(0);
      if (kind === 'zero') this.model.fill(0, offset, offset + length);
      else this.subject.read(offset, length).copy(this.model, offset); // anything may be there now
    }
  }

  private restore(id: string | undefined): void {
    if (id === undefined) return;
    const pin = diskLayers.pinOf(this.path, id);
    if (pin === null) throw new Error(`the pin ${id} is lost`);
    this.subject.close();
    this.subject = new OpenSubject(this.path, { at: pin.point });
    const stray = this.subject.disk.adopt();
    const isKept = [...this.kept.values(), ...this.strays.values()].some((other) => other.equals(this.model));
    if (stray === null) expect(isKept).toBe(true);
    else this.strays.set(stray.id, this.model);
    this.model = Buffer.from(this.kept.get(id) ?? []);
    expect(this.subject.content().equals(this.model)).toBe(true);
  }

  private recall(pick: number): void {
    const strays = new LayerFolder(this.path).readHead(null)?.strays ?? [];
    const stray = strays[pick % strays.length];
    if (stray === undefined) return;
    const content = this.strays.get(stray.id);
    this.subject.close();
    this.subject = new OpenSubject(this.path, { at: stray.point });
    const set = this.subject.disk.adopt();
    if (set !== null) this.strays.set(set.id, this.model);
    this.model = Buffer.from(content ?? []);
    expect(this.subject.content().equals(this.model)).toBe(true);
  }

  private merge(): void {
    const { disk } = this.subject;
    const before = disk.chainLength;
    const job = disk.startMerge();
    if (job === null) {
      expect(before).toBeLessThanOrEqual(8);
      return;
    }
    this.change('write', { sector: 3, count: 9, seed: before });
    while (!job.wait(1000));
    job.finish();
    expect(disk.chainLength).toBeLessThanOrEqual(8);
  }

  /** Every state that somebody keeps is what it was, and no file is left that nobody needs. */
  private checkAll(): void {
    const folder = new LayerFolder(this.path);
    for (const [id, content] of this.kept) {
      const pin = diskLayers.pinOf(this.path, id);
      if (pin === null) throw new Error(`the pin ${id} is lost`);
      expect(contentAt(this.path, pin.point).equals(content)).toBe(true);
      diskLayers.verifyPoint(this.path, pin.point);
    }
    for (const { id, point } of folder.readHead(null)?.strays ?? []) {
      expect(contentAt(this.path, point).equals(this.strays.get(id) ?? Buffer.alloc(0))).toBe(true);
    }
    if (!existsSync(folder.root)) return;
    expect(readPins(folder).map(({ id }) => id)).toEqual([...this.kept.keys()].sort());
    new OpenSubject(this.path).close(); // cleans
    const files = readdirSync(folder.root).filter((name) => /^(base|layer)-/.test(name));
    const needed = [...neededFiles(folder)].filter((name) => name !== 'image');
    expect(files.sort()).toEqual(needed.sort());
    expect(readdirSync(folder.root).filter((name) => name.startsWith('.'))).toEqual([]);
  }

  private newOwner(): DiskOwner {
    this.drawn += 1;
    return { id: String(this.drawn).padStart(32, '0'), path: `/store/s${this.drawn}` };
  }
}
