// SPDX-License-Identifier: BSD-2-Clause
/** A whole Debian under the virtual clock, on a disk whose latency is modelled: two runs are the same to the last bit. */
import { execFileSync } from 'node:child_process';
import { LOGIN } from '../../scripts/debian-image/debian-shell.js';
import { APPEND, type DebianImage } from '../../scripts/debian-image/image.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import { runUntilStopped } from '../../src/machine/run.js';
import { type Evidence, evidence, firstDifference } from '../support/proof.js';
import { debianImage, diskOf } from './support/debian-guest.js';
import { checkFileSystem, withDisk } from './support/disk-image.js';
import { virtualClock } from './support/linux-session.js';

const MEMORY = 1024 * 1024 * 1024;
/** 2030-03-17 17:46:40. A time before systemd's own making would not be believed. */
const RTC_BASE = 1_900_000_000n;
const script = [
  ...LOGIN,
  { after: '# ', send: 'date; systemctl is-system-running --wait | cat; cat /proc/interrupts; poweroff\n' },
];

interface Life {
  readonly evidence: Evidence;
  readonly disk: string;
  readonly digest: string;
}

async function live(image: DebianImage, options: Readonly<Record<string, string>>): Promise<Life> {
  const disk = await diskOf(image);
  const { kernel, initrd } = image;
  const config: Partial<MachineConfig> = {
    memory: MEMORY,
    clock: virtualClock,
    rtcBase: RTC_BASE,
    // Else the number follows from the path, which is another one for each life.
    pci: withDisk(disk, {}, { ser: 'DEBIAN', ...options }),
    boot: { kernel, initrd, commandLine: APPEND },
    scripts: { com1: script },
  };
  const output: number[] = [];
  const machine = buildMachine(config, { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: true });
  try {
    machine.powerOn();
    machine.resume();
    runUntilStopped(machine);
    return { evidence: evidence(machine, output), disk, digest: digestOf(disk) };
  } finally {
    machine.close();
  }
}

function digestOf(path: string): string {
  return execFileSync('sha1sum', [path], { encoding: 'latin1' }).slice(0, 40);
}

const disks: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['the usual latency', {}],
  ['a slow disk', { latency: '4000', bandwidth: '80' }],
];

describe.each(disks)('%s', (_, options) => {
  test('boots to the login prompt, twice in the same way', async () => {
    const image = await debianImage();
    const first = await live(image, options);
    expect(first.evidence.stop).toBe('{"kind":"power-off"}');
    expect(first.evidence.console).toContain('debian login: ');
    expect(first.evidence.console).toMatch(/Sun Mar 17 17:4\d:\d\d UTC 2030\r\nrunning\r/);
    checkFileSystem(first.disk);
    const second = await live(image, options);
    expect(firstDifference(first.evidence, second.evidence)).toBeNull();
    expect(second.digest).toBe(first.digest);
  });
});
