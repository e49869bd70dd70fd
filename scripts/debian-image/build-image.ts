// SPDX-License-Identifier: BSD-2-Clause
/**
 * A file system from Debian's packages, with mmdebstrap and mke2fs: neither needs root, devices or mounts. What belongs
 * to root in the image belongs to root there, because who is not root works under fakeroot.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Step } from '../quickstart/tools.js';
import { COMMANDS, type ImageKeys, imageFiles, LABEL, LINKS, packages } from './contents.js';
import { debianSources } from './debian-sources.js';
import type { DebianImage } from './image.js';
import { runShowing } from './run-showing.js';

const ARCHIVE = 'root.tar';
const SIZE = 4 * 1024 ** 3;

export async function buildImage(work: string, image: DebianImage, step: Step): Promise<void> {
  const sources = await debianSources(work, step);
  const keys = await makeKeys(image);
  await step('installing Debian', async (report) => {
    const options = [
      ...['--variant=minbase', '--verbose', `--include=${packages.join(',')}`],
      ...sources.aptOptions.map((option) => `--aptopt=${option}`),
      ...COMMANDS.map((command) => `--customize-hook=chroot "$1" sh -c '${command}'`),
      '--customize-hook=rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"', // the host's options are not the guest's
    ];
    let total = 0;
    let done = 0;
    await runShowing('mmdebstrap', [...options, sources.release, join(work, ARCHIVE), ...sources.lines], (line) => {
      total += Number(/(\d+) newly installed/.exec(line)?.[1] ?? 0);
      if (line.startsWith('Setting up ')) report({ done: ++done, total, unit: 'packages' });
    });
  });
  await step('making the file system', () => fileSystem(work, image, keys));
}

async function makeKeys(image: DebianImage): Promise<ImageKeys> {
  const make = async (path: string, comment: string): Promise<string> => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path]);
    return readFileSync(`${path}.pub`, 'utf8');
  };
  const hostKey = join(image.folder, 'host_key');
  const hostPublicKey = await make(hostKey, 'root@debian');
  const loginPublicKey = await make(image.loginKey, 'tsbhyve');
  // Whatever address and port it is reached at.
  writeFileSync(image.knownHosts, `* ${hostPublicKey}`);
  return {
    hostKey: readFileSync(hostKey, 'utf8'),
    hostPublicKey,
    loginPublicKey,
    machineId: randomUUID().replaceAll('-', ''),
  };
}

async function fileSystem(work: string, image: DebianImage, keys: ImageKeys): Promise<void> {
  const install = imageFiles(keys).map(({ path, text, mode = 0o644 }, index) => {
    writeFileSync(join(work, `file-${index}`), text);
    return `install -D -m ${mode.toString(8)} file-${index} tree/${path}`;
  });
  const script = [
    'umask 022',
    'mkdir tree',
    `tar -x -p --numeric-owner -f ${ARCHIVE} -C tree`,
    ...install,
    ...Object.entries(LINKS).map(([path, target]) => `ln -sf ${target} tree/${path}`),
    `mke2fs -q -t ext4 -L ${LABEL} -d tree "$1"`,
    'cat tree/boot/vmlinuz-* > "$2"',
    'cat tree/boot/initrd.img-* > "$3"',
  ];
  writeFileSync(image.disk, '');
  truncateSync(image.disk, SIZE);
  const words = ['sh', '-e', '-c', script.join('\n'), 'sh', image.disk, image.kernel, image.initrd];
  const program = process.getuid?.() === 0 ? ['env'] : ['fakeroot', '--'];
  const [name = '', ...rest] = [...program, ...words];
  await run(name, rest, work);
  chmodSync(image.disk, 0o400);
}
