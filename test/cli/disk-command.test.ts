// SPDX-License-Identifier: BSD-2-Clause
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { diskCommand } from '../../src/cli/disk-command.js';
import type { DiskOwner } from '../../src/host/disk/layers/api.js';
import { diskLayers } from '../../src/host/disk/layers/disk-layers.js';
import { contentOf, OpenSubject, pattern, remove, temporaryImage } from '../host/disk/layers/support/subject.js';

let folder: string;
let path: string;
let opened: OpenSubject[];

beforeEach(() => {
  ({ folder, path } = temporaryImage());
  opened = [];
});

afterEach(() => {
  for (const subject of opened) subject.drop();
  remove(folder);
});

function run(...words: string[]): string {
  let text = '';
  const status = diskCommand(words, {
    print: (part) => {
      text += part;
    },
    progress: () => {},
  });
  expect(status).toBe(0);
  return text;
}

function open(...given: ConstructorParameters<typeof OpenSubject>): OpenSubject {
  const subject = new OpenSubject(...given);
  opened.push(subject);
  return subject;
}

/** A snapshot of the name, with its folder. */
function snapshot(subject: OpenSubject, name: string): DiskOwner {
  const owner = { id: Buffer.from(name.padEnd(16)).toString('hex'), path: join(folder, name) };
  mkdirSync(owner.path);
  subject.disk.pin(owner, subject.disk.freeze(null));
  diskLayers.confirmPin(path, owner);
  return owner;
}

/** Snapshots `one` and `two`, with something written before, between and after. */
function withSnapshots(): { contents: Buffer[]; owners: DiskOwner[] } {
  const subject = open(path);
  const contents: Buffer[] = [];
  const owners = ['one', 'two'].map((name, index) => {
    subject.write(4096 * index, pattern(512, 10 + index));
    contents.push(subject.content());
    return snapshot(subject, name);
  });
  subject.write(8192, pattern(512, 20));
  contents.push(subject.content());
  subject.close();
  return { contents, owners };
}

test('info of a flat image', () => {
  expect(run('info', path)).toMatch(new RegExp(`^${path}: 161 KiB, flat\n  image  16\\d KiB stored\n$`));
  open(path);
  expect(run('info', path)).toContain('flat, in use by a VM');
});

test('info tells layers, snapshots, their loss, and a suspend', () => {
  const { owners } = withSnapshots();
  rmSync(join(folder, 'two'), { recursive: true });
  const subject = open(path);
  subject.disk.setOwner({ id: 'f'.repeat(32), path: '/store/guest-1' });
  subject.close();
  const text = run('info', path);
  expect(text).toContain(': 161 KiB, 2 layers\n  image ');
  expect(text.match(/^ {2}layer-[0-9a-f]{32} {2}\d+ KiB stored$/gm)).toHaveLength(2);
  expect(text).toContain('  belongs to the suspend guest-1 (/store/guest-1)\n');
  expect(text).toContain(`  needed by the snapshot one (${folder}/one): image and 0 layers\n`);
  expect(text).toContain(
    `  needed by the snapshot two (${folder}/two): image and 1 layer; it is not there: if it is gone for good: tsbhyve disk drop ${path} ${owners[1]?.id}\n`,
  );
  const info = JSON.parse(run('info', '--json', path));
  expect(info).toMatchObject({ image: path, isFlat: false, isInUse: false, owner: { name: 'guest-1' }, problems: [] });
  expect(info.pins.map(({ name, isThere }: { name: string; isThere: boolean }) => [name, isThere])).toEqual([
    ['one', true],
    ['two', false],
  ]);
});

test('commit waits for the snapshots to go, and leaves one plain file', () => {
  const { contents, owners } = withSnapshots();
  expect(() => run('commit', path)).toThrow(
    `disk ${path}: snapshots need the image as it is: one, two; remove them first: tsbhyve snapshot rm`,
  );
  for (const { id } of owners) diskLayers.unpin(path, id);
  const subject = open(path);
  expect(() => run('commit', path)).toThrow(`disk ${path}: in use by a VM; that has to end first`);
  subject.close();
  const mode = statSync(path).mode;
  expect(run('commit', path)).toBe(`${path}: flat\n`);
  expect(readFileSync(path).equals(contents[2] ?? Buffer.alloc(0))).toBe(true);
  expect(existsSync(`${path}.tsbhyve`)).toBe(false);
  expect(statSync(path).mode & 0o200).toBe(0o200);
  expect(mode & 0o222).toBe(0);
});

test('export makes plain images of now and then, under a name that is free', () => {
  const { contents, owners } = withSnapshots();
  const out = join(folder, 'out');
  const exports = [['--snapshot', 'one'], ['--snapshot', owners[1]?.id ?? ''], []];
  for (const [index, options] of exports.entries()) {
    expect(run('export', ...options, path, `${out}${index}`)).toBe(`${out}${index}: made from ${path}\n`);
    expect(readFileSync(`${out}${index}`).equals(contents[index] ?? Buffer.alloc(0))).toBe(true);
  }
  expect(() => run('export', path, `${out}0`)).toThrow(`disk ${out}0: cannot write it: file already exists`);
  expect(() => run('export', '--snapshot', 'three', path, out)).toThrow("no snapshot 'three' needs it");
  open(path);
  expect(() => run('export', path, out)).toThrow('in use by another VM');
  run('export', '--snapshot', 'one', path, `${out}3`);
  expect(existsSync(out)).toBe(false);
});

test('what a restore sets aside comes back with recall, or goes with drop', () => {
  const { contents, owners } = withSnapshots();
  const [first] = owners;
  const subject = open(path, { at: diskLayers.pinOf(path, first?.id ?? '')?.point ?? null });
  const stray = subject.disk.adopt()?.id ?? '';
  subject.close();
  expect(contentOf(path).equals(contents[0] ?? Buffer.alloc(0))).toBe(true);
  expect(run('info', path)).toMatch(
    new RegExp(`  set aside by a restore at .*: ${stray}, \\d+ KiB stored; tsbhyve disk recall`),
  );
  run('export', '--stray', stray.slice(0, 6), path, join(folder, 'stray'));
  expect(readFileSync(join(folder, 'stray')).equals(contents[2] ?? Buffer.alloc(0))).toBe(true);
  expect(run('recall', path, stray.slice(0, 6))).toBe(`${path}: goes on from ${stray.slice(0, 6)}\n`);
  expect(contentOf(path).equals(contents[2] ?? Buffer.alloc(0))).toBe(true);
  const again = open(path, { at: diskLayers.pinOf(path, first?.id ?? '')?.point ?? null });
  const second = again.disk.adopt()?.id ?? '';
  again.close();
  expect(run('drop', path, second)).toBe(`${path}: removed what was set aside as ${second}\n`);
  expect(() => run('drop', path, second)).toThrow(`nothing that can be dropped is called '${second}'`);
  expect(() => run('drop', path, 'one')).toThrow('one is a snapshot that is there: tsbhyve snapshot rm one');
  rmSync(join(folder, 'one'), { recursive: true });
  expect(run('drop', path, 'one')).toBe(`${path}: removed what the snapshot one needed\n`);
});

test('a changed image is refused with the command that accepts it', () => {
  const { contents } = withSnapshots();
  chmodSync(path, 0o600);
  const changed = readFileSync(path);
  changed.fill(7, 20_480, 20_992);
  writeFileSync(path, changed);
  utimesSync(path, 1, 1);
  const refusal = new RegExp(
    `disk ${path}: the image was changed after it was frozen: it was written to at 1970-01-01T00:00:01.000000000Z instead of .*; if that was meant: tsbhyve disk rebase --accept ${path}$`,
  );
  expect(() => open(path)).toThrow(refusal);
  expect(() => contentOf(path)).toThrow(refusal);
  expect(() => run('rebase', path)).toThrow('disk rebase: give --accept, or --base NEW, or both');
  expect(run('rebase', '--accept', path)).toBe(`${path}: accepted image\n`);
  expect(run('rebase', '--accept', path)).toBe(`${path}: nothing was changed\n`);
  const expected = Buffer.from(contents[2] ?? []).fill(7, 20_480, 20_992);
  expect(contentOf(path).equals(expected)).toBe(true);
});

test('layers follow an image that was moved', () => {
  const { contents, owners } = withSnapshots();
  const moved = join(folder, 'moved.img');
  renameSync(path, moved);
  writeFileSync(join(folder, 'other.img'), pattern(161 * 1024, 9));
  expect(() => run('rebase', '--base', join(folder, 'other.img'), path)).toThrow(
    'it is not the image that the layers were made for',
  );
  expect(run('rebase', '--base', moved, path)).toBe(`${moved}: has the layers of ${path} now\n`);
  expect(contentOf(moved).equals(contents[2] ?? Buffer.alloc(0))).toBe(true);
  expect(diskLayers.checkPoint(moved, diskLayers.pinOf(moved, owners[0]?.id ?? '')?.point ?? fail())).toEqual([]);
});

test('a suspend has its disk to itself', () => {
  const subject = open(path);
  const owner = { id: 'a'.repeat(32), path: '/store/guest-1' };
  subject.disk.setOwner(owner);
  subject.close();
  const refusal = 'it belongs to the suspend guest-1; resume that, or give it up: tsbhyve snapshot rm guest-1';
  expect(() => open(path)).toThrow(refusal);
  expect(() => run('commit', path)).toThrow(refusal);
  expect(() => open(path, { resuming: 'b'.repeat(32) })).toThrow('it does not belong to this suspend any more');
  utimesSync(path, 1, 1);
  expect(() => open(path, { resuming: owner.id })).toThrow(/it was changed after the suspend: .*rebase --accept/);
  expect(run('rebase', '--accept', path)).toBe(`${path}: accepted image\n`);
  const resumed = open(path, { resuming: owner.id });
  resumed.disk.clearOwner();
  resumed.close();
  open(path).close();
  expect(() => open(path, { resuming: owner.id })).toThrow('it does not belong to this suspend any more');
  expect(run('commit', path)).toBe(`${path}: flat\n`);
  expect(existsSync(`${path}.tsbhyve`)).toBe(false);
});

test('words that are not known', () => {
  expect(() => run('frob')).toThrow("disk: unknown command 'frob'; disk -h lists what is accepted");
  expect(run()).toContain('Looks after the layers of disk images.');
  expect(() => run('info', join(folder, 'none'))).toThrow('none: cannot open it: no such file or directory');
});

function fail(): never {
  throw new Error('not there');
}
