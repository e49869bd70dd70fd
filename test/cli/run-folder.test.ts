// SPDX-License-Identifier: BSD-2-Clause
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunFolder } from '../../src/cli/run-folder.js';
import { ownerOf, removeDead, runningNames } from '../../src/cli/run-lock.js';
import { runPaths, runRoot } from '../../src/cli/run-paths.js';
import type * as RamFiles from '../../src/hypervisor/ram-files.js';
import { lockFile } from '../../src/hypervisor/ram-files.js';

/** Something that happens just before a lock is taken. */
let meanwhile: (() => void) | null = null;
jest.mock('../../src/hypervisor/ram-files.js', () => {
  const real = jest.requireActual<typeof RamFiles>('../../src/hypervisor/ram-files.js');
  const lockFile: typeof real.lockFile = (fd, kind) => {
    const happens = meanwhile;
    meanwhile = null;
    happens?.();
    return real.lockFile(fd, kind);
  };
  return { ...real, lockFile };
});

let root = '';
const claimed: RunFolder[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbhyve-run-'));
});
afterEach(() => {
  for (const folder of claimed.splice(0)) folder.release();
  rmSync(root, { recursive: true });
});

function claim(name: string): RunFolder {
  const folder = RunFolder.claim(name, root);
  claimed.push(folder);
  return folder;
}

/** As a process leaves it that was killed. */
function deadFolder(name: string): void {
  mkdirSync(join(root, name));
  writeFileSync(join(root, name, 'lock'), '');
  writeFileSync(join(root, name, 'pid'), '1\n');
  writeFileSync(join(root, name, 'control'), '');
}

test('a name belongs to one VM at a time, and the refusal names the process', () => {
  claim('web');
  expect(() => RunFolder.claim('web', root)).toThrow(
    `web: a VM of this name is running (pid ${process.pid}); --name gives this one another`,
  );
  claim('db');
  expect(runningNames(root)).toEqual(['db', 'web']);
  expect(ownerOf('web', root)).toEqual({ alive: true, pid: process.pid });
  expect(removeDead('web', root)).toBe(false);
});

test('the folder is its owner’s alone and goes with the VM', () => {
  const { paths } = claim('web');
  expect(statSync(paths.folder).mode & 0o777).toBe(0o700);
  expect(readFileSync(paths.pid, 'latin1')).toBe(`${process.pid}\n`);
  claimed.pop()?.release();
  expect(readdirSync(root)).toEqual([]);
  expect(ownerOf('web', root)).toBeNull();
});

test('what a dead VM left is taken over, or removed', () => {
  deadFolder('web');
  deadFolder('db');
  expect(runningNames(root)).toEqual([]);
  expect(ownerOf('web', root)).toEqual({ alive: false, pid: 1 });
  const { paths } = claim('web');
  expect(existsSync(paths.control)).toBe(false);
  expect(ownerOf('web', root)).toEqual({ alive: true, pid: process.pid });
  expect(removeDead('db', root)).toBe(true);
  expect(readdirSync(root)).toEqual(['web']);
});

test('a VM that ends while another of its name starts does not leave that one a lock that is gone', () => {
  deadFolder('web');
  meanwhile = () => rmSync(join(root, 'web'), { recursive: true });
  claim('web');
  expect(ownerOf('web', root)).toEqual({ alive: true, pid: process.pid });
  expect(() => RunFolder.claim('web', root)).toThrow('a VM of this name is running');
});

test('somebody who only looks is waited for', () => {
  deadFolder('web');
  const looker = openSync(join(root, 'web', 'lock'), 'r+');
  lockFile(looker, 'shared');
  let looks = 0;
  const look = (): void => {
    looks += 1;
    if (looks === 3) closeSync(looker);
    else meanwhile = look;
  };
  meanwhile = look;
  claim('web');
  expect(ownerOf('web', root)?.alive).toBe(true);
});

test('a mistake that is not about the folder keeps its own words', () => {
  meanwhile = () => {
    throw new Error('no addon: build it');
  };
  expect(() => RunFolder.claim('web', root)).toThrow(/^no addon: build it$/);
});

test('unread output waits for the resume of the very snapshot', () => {
  const read = (snapshot: string | null): string => {
    const folder = claim('web');
    const text = Buffer.from(folder.earlierOutput(snapshot)).toString();
    folder.forgetOutput();
    return text;
  };
  const end = (output: string): void => {
    claimed.at(-1)?.keepOutput('web-1', Buffer.from(output));
    claimed.pop()?.release();
  };
  expect(read(null)).toBe('');
  end('first\nsecond');
  expect(readdirSync(join(root, 'web')).sort()).toEqual(['lock', 'output']);
  expect(runningNames(root)).toEqual([]);
  claim('web').release(); // a resume that was refused
  claimed.pop();
  expect(read('web-1')).toBe('first\nsecond');
  end('third');
  expect(read('web-2')).toBe('');
  end('');
  expect(readdirSync(root)).toEqual([]);
});

test('of output that cannot be kept nothing is left, and one line says so', () => {
  const { paths } = claim('web');
  rmSync(paths.folder, { recursive: true });
  expect(() => claimed.pop()?.keepOutput('web-1', Buffer.from('text'))).toThrow(
    `${paths.output}: the unread output is lost: no such file or directory`,
  );
});

test('a folder in which somebody else could put a socket is refused', () => {
  chmodSync(root, 0o777);
  expect(() => claim('web')).toThrow(`${root}: somebody else may write to this folder`);
});

test('a path that is too long for a socket is refused by name', () => {
  const long = join(root, 'x'.repeat(100));
  expect(() => RunFolder.claim('web', long)).toThrow(`${join(long, 'web', 'control')}: has `);
});

test.each(['', '..', 'a/b', '.hidden', 'x'.repeat(65)])('%j is no name of a VM', (name) => {
  expect(() => runPaths(name, root)).toThrow(`"${name}": 1 to 64 letters`);
});

test('where run folders are', () => {
  expect(runRoot({ TSBHYVE_RUN: '/elsewhere', XDG_RUNTIME_DIR: '/run/user/7' }, 7)).toBe('/elsewhere');
  expect(runRoot({}, 0)).toBe('/var/run/tsbhyve');
  expect(runRoot({ XDG_RUNTIME_DIR: '/run/user/7' }, 7)).toBe('/run/user/7/tsbhyve');
  expect(runRoot({ XDG_RUNTIME_DIR: '' }, 7)).toBe(join(tmpdir(), 'tsbhyve-7'));
});
