// SPDX-License-Identifier: BSD-2-Clause
/** Programs of Debian's for a guest whose first initramfs has busybox alone: a second one, which Linux unpacks over it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpioArchive, type Entry } from '../../../scripts/quickstart/cpio.js';
import type { Guest } from '../../../scripts/quickstart/guest.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { fetched, netGuest } from './debian-files.js';
import { socatFiles } from './socat.js';

/** The program, and the libraries that it is linked with. */
const PACKAGES = ['iperf3', 'libiperf0', 'libsctp1', 'libssl3', 'libc6'];
const LOADER = 'ld-linux-x86-64.so.2';
const WANTED = /\/bin\/iperf3$|\/(ld-linux-x86-64\.so\.2|lib(iperf|sctp|ssl|crypto|c|m)\.so\.[\d.]+)$/;

/** What udhcpc calls with what it was given. */
const DHCP_SCRIPT = `#!/bin/sh
case "$1" in
deconfig) ip addr flush dev $interface; ip link set $interface up ;;
bound|renew)
  ip addr replace $ip/$mask dev $interface
  [ -n "$router" ] && ip route replace default via $router
  echo "nameserver $dns" > /etc/resolv.conf ;;
esac
`;

const file = (name: string, bytes: Uint8Array): Entry => ({ kind: 'file', name, bytes, executable: true });

/** The guest with network drivers, with iperf3, socat and a script for DHCP. */
export async function networkGuest(): Promise<Guest> {
  const { kernel, initrd } = await netGuest();
  const programs = await fetched('network-programs-2', async (packages) => {
    const found = new Map<string, Uint8Array>();
    for (const name of PACKAGES) {
      for (const path of filesIn(await packages.unpacked(name))) {
        if (WANTED.test(path)) found.set(basename(path), readFileSync(path));
      }
    }
    const entries = [...found].map(([name, bytes]) => file(name === 'iperf3' ? 'bin/iperf3' : `lib/${name}`, bytes));
    const folders = ['lib', 'lib64', 'tmp', 'etc/udhcpc'];
    const archive = cpioArchive([
      ...folders.map((name): Entry => ({ kind: 'folder', name })),
      ...entries,
      { kind: 'link', name: `lib64/${LOADER}`, target: `/lib/${LOADER}` },
      file('etc/udhcpc/default.script', Buffer.from(DHCP_SCRIPT)),
    ]);
    const path = join(temporaryFolder(), 'programs');
    writeFileSync(path, Buffer.concat([gzipSync(archive), gzipSync(cpioArchive(await socatFiles(packages)))]));
    return path;
  });
  const together = join(temporaryFolder(), 'initrd.gz');
  writeFileSync(together, Buffer.concat([readFileSync(initrd), readFileSync(programs)]));
  return { kernel, initrd: together };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name));
}
