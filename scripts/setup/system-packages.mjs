// SPDX-License-Identifier: BSD-2-Clause
/** The Debian packages that building, running and testing need, found out by looking for what each provides. */
import { existsSync } from 'node:fs';
import { findProgram, run } from './command.mjs';
import { SetupError, step } from './progress.mjs';

const program = (name) => () => findProgram(name);
const file =
  (...paths) =>
  () =>
    paths.some((path) => existsSync(path));
/** Debian keeps libraries in a folder for each architecture. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib/x86_64-linux-gnu',
  '/usr/lib',
];
const library = (name) => file(...LIBRARY_FOLDERS.map((folder) => `${folder}/${name}`));

/** What building and booting needs. */
const BASE = [
  { package: 'g++', present: program('g++') },
  { package: 'cmake', present: program('cmake') },
  { package: 'ninja-build', present: program('ninja') },
  { package: 'libslirp-dev', present: file('/usr/include/slirp/libslirp.h') },
  { package: 'libasmjit-dev', present: file('/usr/include/asmjit/x86.h') },
  { package: 'libxxhash-dev', present: file('/usr/include/xxhash.h') },
  { package: 'liblz4-1', present: library('liblz4.so.1') },
  { package: 'liblzma5', present: library('liblzma.so.5') },
  { package: 'libzstd1', present: library('libzstd.so.1') },
];

/** What the tests and checks compare with or call. */
const TESTS = [
  { package: 'acpica-tools', present: program('iasl') },
  { package: 'iperf3', present: program('iperf3') },
  { package: 'clang-format', present: program('clang-format') },
  { package: 'libzydis-dev', present: file('/usr/include/Zydis/Zydis.h') },
  { package: 'nbdkit', present: program('nbdkit') },
  { package: 'qemu-utils', present: program('qemu-nbd') },
  { package: 'xz-utils', present: program('xz') },
  { package: 'lz4', present: program('lz4') },
  { package: 'zstd', present: program('zstd') },
];

/** What the disk of a whole Debian is made with. */
const IMAGE = [
  { package: 'mmdebstrap', present: program('mmdebstrap') },
  { package: 'e2fsprogs', present: program('mke2fs') },
  { package: 'openssh-client', present: program('ssh-keygen') },
];

/** Who is not root pretends to be. */
const IMAGE_WITHOUT_ROOT = [
  { package: 'fakeroot', present: program('fakeroot') },
  { package: 'uidmap', present: program('newuidmap') },
];

export async function installSystemPackages({ tests = false, image = false }) {
  const imageRows = process.getuid?.() === 0 ? IMAGE : [...IMAGE, ...IMAGE_WITHOUT_ROOT];
  const missing = [...BASE, ...(tests ? TESTS : []), ...(image ? imageRows : [])]
    .filter(({ present }) => !present())
    .map((row) => row.package);
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) {
    throw new SetupError(`these Debian packages are missing; install them and start again:\n  sudo ${command}`);
  }
  await step(`installing ${missing.join(', ')}`, async () => {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '--quiet'], { env });
    await run('apt-get', command.split(' ').slice(1), { env });
  });
}
