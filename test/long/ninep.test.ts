// SPDX-License-Identifier: BSD-2-Clause
/** Debian's 9P client on a folder of the host: what it reads, what it writes, and what a save in the middle does to it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Guest } from '../../scripts/quickstart/guest.js';
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import type { PciDeviceConfig } from '../../src/machine/config.js';
import { firstDifference } from '../support/proof.js';
import { testSeed } from '../support/random.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { folderGuest } from './support/debian-files.js';
import { md5 } from './support/disk-image.js';
import { linuxLife, linuxSubject, UNDISTURBED } from './support/linux-proof.js';
import { runLinux, typed, virtualClock } from './support/linux-session.js';
import { Restarts } from './support/restarts.js';

const real: ClockMode = { kind: 'real' };
const seed = testSeed();
/** The drivers are up and the folder is mounted from about here on. */
const TIMES = { seed, first: 1_200_000_000n, mean: 30_000_000 };
const MOUNT = 'mkdir /mnt; mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072';
const data = Buffer.from(Uint32Array.from({ length: 300_000 }, (_, index) => index * 2_654_435_761).buffer);

let guest: Guest;
beforeAll(async () => {
  guest = await folderGuest();
});

function sharedFolder(): string {
  const folder = temporaryFolder('9p');
  mkdirSync(join(folder, 'sub/deep'), { recursive: true });
  writeFileSync(join(folder, 'hello'), 'hello from the host\n');
  writeFileSync(join(folder, 'sub/data'), data);
  writeFileSync(join(folder, 'secret'), 'nobody\n');
  chmodSync(join(folder, 'secret'), 0o640);
  symlinkSync('sub/data', join(folder, 'link'));
  symlinkSync('/etc/hostname', join(folder, 'away'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  for (const name of ['hello', 'sub/data', 'sub/deep', 'sub', '']) utimesSync(join(folder, name), 1e9, 1e9);
  return folder;
}

function withFolder(path: string, options: Readonly<Record<string, string>> = {}): PciDeviceConfig[] {
  return [
    { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
    { slot: 3, fn: 0, kind: 'virtio-9p', options: { sharename: 'share', path, ...options } },
    { slot: 31, fn: 0, kind: 'lpc', options: {} },
  ];
}

const lastLines = (answer: string | undefined, count: number): string[] =>
  (answer ?? '').trimEnd().split('\n').slice(-count);

const cases: readonly (readonly [string, ClockMode, Record<string, string>])[] = [
  ['virtual clock', virtualClock, {}],
  ['real clock', real, {}],
  ['legacy as on bhyve', virtualClock, { modern: 'off', msix: 'off' }],
  ['packed rings', virtualClock, { modern: 'on', packed: 'on' }],
];

test.each(cases)('a read-only share is read, and nothing else (%s)', (_, clock, transport) => {
  const folder = sharedFolder();
  const script = [
    typed(`${MOUNT} share /mnt; cd /mnt; cat hello; md5sum sub/data link; echo $(ls -A)\n`),
    typed('readlink away; cat away; stat -c %F pipe\n'),
    typed('touch x; rm hello; mkdir y; echo z > hello; mv hello w; chmod 777 hello\n'),
    typed('stat -c "%a %s %Y %F" hello secret sub; cd /; umount /mnt; dmesg -r | grep "^<[0-4]>"; poweroff\n'),
  ];
  const { answers, reason } = runLinux(guest, clock, script, { pci: withFolder(folder, transport) });
  const digest = md5(data);
  const [first, second, third, names = ''] = lastLines(answers[1], 4);
  expect([first, second, third]).toEqual(['hello from the host', `${digest}  sub/data`, `${digest}  link`]);
  expect(names.split(' ').sort()).toEqual(['away', 'hello', 'link', 'pipe', 'secret', 'sub']);
  expect(answers[2]).toContain('/etc/hostname');
  expect(answers[2]).toContain("can't open 'away'");
  expect(answers[2]).toContain('fifo');
  expect(answers[3]?.match(/Read-only file system/g)).toHaveLength(6);
  expect(answers[4]).toContain('644 20 1000000000 regular file\n640 7 ');
  expect(answers[4]).toContain('755 4096 1000000000 directory');
  expect(readFileSync(join(folder, 'hello'), 'utf8')).toBe('hello from the host\n');
  expect(reason).toEqual({ kind: 'power-off' });
});

const work = [
  typed(
    `${MOUNT} share /mnt; cd /mnt; cp sub/data copy; md5sum copy; mv copy sub/deep/moved; ln -s deep/moved sub/l\n`,
  ),
  typed(
    'for n in $(seq 1 300); do echo $n > sub/f$n; done; ls sub | wc -l; ln sub/f1 hard; cat hard; rm sub/f[2-9]*\n',
  ),
  // As git does: a file is made under another name, synced, and takes the place of the old one; an open one goes on.
  typed('exec 5< hello; echo new > .lock; sync; mv .lock hello; cat hello; cat <&5; exec 5<&-\n'),
  typed(
    'chmod 751 sub; touch -d @86400 hard; echo more >> hard; truncate -s 3 hello; mkfifo p; rmdir sub; ls sub | wc -l\n',
  ),
  typed('exec 6> gone; rm gone; echo text >&6; exec 6>&-; stat -c "%a %h %s" sub hard hello; cd /; umount /mnt\n'),
  typed('dmesg -r | grep "^<[0-4]>"; poweroff\n'),
];

function expectWorkDone(folder: string, answers: readonly string[]): void {
  expect(answers[1]).toContain(`${md5(data)}  copy`);
  expect(lastLines(answers[2], 2)).toEqual(['303', '1']);
  expect(lastLines(answers[3], 2)).toEqual(['new', 'hello from the host']);
  expect(answers[4]).toMatch(/mkfifo: p: Operation not permitted\nrmdir: 'sub': Directory not empty\n114\n/);
  expect(md5(readFileSync(join(folder, 'sub/deep/moved')))).toBe(md5(data));
  expect(readlinkSync(join(folder, 'sub/l'))).toBe('deep/moved');
  expect(readFileSync(join(folder, 'hard'), 'utf8')).toBe('1\nmore\n');
  expect(readFileSync(join(folder, 'hello'), 'utf8')).toBe('new');
  expect(lstatSync(join(folder, 'sub')).mode & 0o7777).toBe(0o751);
  expect(lstatSync(join(folder, 'sub/f1')).nlink).toBe(2);
}

test.each(cases)('a writable share is worked in (%s)', (_, clock, transport) => {
  const folder = sharedFolder();
  const { answers } = runLinux(guest, clock, work, { pci: withFolder(folder, { rw: 'on', ...transport }) });
  expectWorkDone(folder, answers);
});

test.each(['none', 'loose', 'mmap'])(
  `saved and resumed all the time while it works (cache=%s, seed ${seed})`,
  (cache) => {
    const folder = sharedFolder();
    const script = work.map((step) => ({ ...step, send: step.send.replace('msize', `cache=${cache},msize`) }));
    const subject = linuxSubject(guest, { script, config: { pci: withFolder(folder, { rw: 'on' }) } });
    const restarts = new Restarts(TIMES);
    const { console: text } = linuxLife(subject, restarts);
    expect(restarts.count).toBeGreaterThan(10);
    expect(text).toContain(`${md5(data)}  copy`);
    expect(readFileSync(join(folder, 'hard'), 'utf8')).toBe('1\nmore\n');
    expect(readFileSync(join(folder, 'hello'), 'utf8')).toBe('new');
  },
);

test(`reading is the same to the last bit, however often it is saved (seed ${seed})`, () => {
  const folder = sharedFolder();
  const script = [
    typed(`${MOUNT} share /mnt; ls -l /mnt /mnt/sub; cat /mnt/hello; md5sum /mnt/link; df /mnt\n`),
    typed('find /mnt | xargs stat; umount /mnt; poweroff\n'),
  ];
  const subject = linuxSubject(guest, { script, config: { pci: withFolder(folder) } });
  const whole = linuxLife(subject, UNDISTURBED);
  expect(whole.console).toContain(md5(data));
  const restarts = new Restarts(TIMES);
  const disturbed = linuxLife(subject, restarts);
  expect(restarts.count).toBeGreaterThan(10);
  expect(firstDifference(whole, disturbed)).toBeNull();
});
