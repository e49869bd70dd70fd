// SPDX-License-Identifier: BSD-2-Clause
/** The part of `npm run debian-image` that comes after the build: a disk, and a Debian that runs from it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder } from '../quickstart/guest.js';
import { QuickstartError, type Step } from '../quickstart/tools.js';
import { ROOT_PASSWORD } from './contents.js';
import { copyDisk } from './copy-disk.js';
import { APPEND, type DebianImage, imageIn } from './image.js';
import { playDebian } from './play-debian.js';
import { OWN_DISK } from './replace-image.js';

export interface ImageRequest {
  readonly root: string;
  /** Of the command line. */
  readonly words: readonly string[];
  readonly step: Step;
}

const ERROR = 4;
/** Where the guest's ssh is found while somebody plays with it. */
const SSH_PLACE = '127.0.0.1:2222';
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

export async function debianImage({ root, words, step }: ImageRequest): Promise<number> {
  const { fresh, boots } = options(words);
  const image = await imageIn(cacheFolder(process.env), step, { fresh, say: print });
  print(`${image.disk}: Debian's root file system; kernel and initrd are beside it`);
  if (!boots) return 0;
  const program = join(root, 'dist/src/cli/main.js');
  if (process.stdin.isTTY && process.stdout.isTTY) return interactive(program, image);
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-debian-'));
  try {
    const disk = join(folder, 'disk.img');
    await copyDisk(image.disk, disk);
    await playDebian({ program, args: optionsFor(image, disk), runFolder: folder }, print);
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function options(words: readonly string[]): { fresh: boolean; boots: boolean } {
  try {
    const flags = { fresh: { type: 'boolean' }, 'no-boot': { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...words], options: flags });
    return { fresh: values.fresh ?? false, boots: !(values['no-boot'] ?? false) };
  } catch (cause) {
    throw new QuickstartError(`${words.join(' ')}: --no-boot and --fresh are accepted`, { cause });
  }
}

/** What a guest writes stays in a disk of its own, so that the image is good for other guests. */
async function interactive(program: string, image: DebianImage): Promise<number> {
  const disk = join(image.folder, OWN_DISK);
  if (!existsSync(disk)) await copyDisk(image.disk, disk);
  const args = optionsFor(image, disk, `slirp,hostfwd=tcp:${SSH_PLACE}-:22`);
  print(`tsbhyve ${args.map((word) => (word.includes(' ') ? `'${word}'` : word)).join(' ')}`);
  print(`From elsewhere: ssh -i ${join(image.folder, 'login_key')} ssh://root@${SSH_PLACE}`);
  print(`Log in as root, password ${ROOT_PASSWORD}. Leave with poweroff; Ctrl-A h is help.`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) => resolve(status === null || status >= ERROR ? (status ?? ERROR) : 0));
  });
}

/** `network`: what stands behind its card. */
export function optionsFor({ kernel, initrd }: DebianImage, disk: string, network = 'slirp'): string[] {
  const cards = ['0,hostbridge', '31,lpc', `3,virtio-blk,${disk}`, '4,virtio-rnd', `5,virtio-net,${network}`];
  const devices = cards.flatMap((device) => ['-s', device]);
  const boot = ['--kernel', kernel, '--initrd', initrd, '--append', APPEND];
  return ['-u', '-m', '1G', '-l', 'com1,stdio', ...devices, ...boot, 'debian'];
}
