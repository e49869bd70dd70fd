// SPDX-License-Identifier: BSD-2-Clause
/** Debian's cloud kernel and an initramfs around its busybox, kept in the user's cache from the first time on. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DebianPackages } from './debian-packages.js';
import { initramfs } from './initramfs.js';
import { QuickstartError, type Step } from './tools.js';

export interface Guest {
  readonly kernel: string;
  readonly initrd: string;
}

const KERNEL_METAPACKAGE = 'linux-image-cloud-amd64';
/** Without them a guest cannot hear the power button. */
const MODULES = ['drivers/input/evdev.ko', 'drivers/acpi/button.ko'];

export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tsbhyve');
}

export async function guestIn(cache: string, step: Step): Promise<Guest> {
  const files = join(cache, 'debian');
  if (!existsSync(join(files, 'vmlinuz'))) await fetchFiles(cache, files, step);
  const initrd = join(files, 'initrd.gz');
  const modules = new Map(MODULES.map((path) => fileName(path)).map((name) => [name, readFileSync(join(files, name))]));
  replaceFile(initrd, initramfs({ busybox: readFileSync(join(files, 'busybox')), modules }));
  return { kernel: join(files, 'vmlinuz'), initrd };
}

async function fetchFiles(cache: string, files: string, step: Step): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'work-'));
  try {
    const packages = new DebianPackages(work, step);
    await packages.update();
    const kernelName = await packages.dependency(KERNEL_METAPACKAGE, /^linux-image-\d.*-cloud-amd64$/);
    const kernelTree = await packages.unpacked(kernelName);
    const busyboxTree = await packages.unpacked('busybox-static');
    const made = join(work, 'files');
    mkdirSync(made);
    copyFileSync(join(kernelTree, 'boot', onlyName(join(kernelTree, 'boot'), /^vmlinuz-/)), join(made, 'vmlinuz'));
    copyFileSync(join(busyboxTree, 'bin/busybox'), join(made, 'busybox'));
    const kernelModules = join(kernelTree, 'lib/modules');
    for (const path of MODULES) {
      const from = join(kernelModules, onlyName(kernelModules, /^\d/), 'kernel', path);
      copyFileSync(from, join(made, fileName(path)));
    }
    rmSync(files, { recursive: true, force: true });
    // The folder appears complete or not at all.
    renameSync(made, files);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function onlyName(folder: string, wanted: RegExp): string {
  const name = readdirSync(folder).find((entry) => wanted.test(entry));
  if (name === undefined) throw new QuickstartError(`Debian's kernel package has nothing like ${wanted} in ${folder}`);
  return name;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Another quickstart may be booting from the old file. */
function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}
