// SPDX-License-Identifier: BSD-2-Clause
/** The guest's user space: busybox, a start script, and the modules that make the power button work. */
import { gzipSync } from 'node:zlib';
import { cpioArchive, type Entry } from './cpio.js';

/** Printed by the guest's first process. */
export const GUEST_UP = 'GUEST-UP';
export const PROMPT = 'guest# ';

const INIT = `#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo ${GUEST_UP}
for module in /modules/*.ko; do insmod "$module"; done
acpid -l /dev/null
# The prompt belongs to the user now; only emergencies may interrupt it.
dmesg -n 2
export PS1='${PROMPT}' HOME=/root ENV=/etc/shell
cd /root
setsid cttyhack sh
poweroff -f
`;

/** There is no init process that could be asked, so -f; functions come before the commands built into busybox. */
const SHELL = ['poweroff', 'reboot', 'halt'].map((name) => `${name}() { busybox ${name} -f; }\n`).join('');

const POWER_BUTTON = '#!/bin/sh\nexec poweroff -f\n';

export interface GuestFiles {
  readonly busybox: Uint8Array;
  /** Kernel modules by name, loaded in this order. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
}

export function initramfs({ busybox, modules }: GuestFiles): Uint8Array {
  const script = (name: string, text: string): Entry => ({
    kind: 'file',
    name,
    bytes: Buffer.from(text),
    executable: true,
  });
  const folders = ['bin', 'dev', 'proc', 'sys', 'root', 'etc', 'etc/acpi', 'etc/acpi/PWRF', 'modules'];
  const entries: Entry[] = [
    ...folders.map((name): Entry => ({ kind: 'folder', name })),
    // The kernel opens this for the first process, before devtmpfs is there.
    { kind: 'character-device', name: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', name: 'bin/busybox', bytes: busybox, executable: true },
    script('init', INIT),
    script('etc/acpi/PWRF/00000080', POWER_BUTTON),
    { kind: 'file', name: 'etc/shell', bytes: Buffer.from(SHELL) },
    ...[...modules].map(([name, bytes], index): Entry => ({ kind: 'file', name: `modules/${index}-${name}`, bytes })),
  ];
  return gzipSync(cpioArchive(entries));
}
