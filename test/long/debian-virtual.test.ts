// SPDX-License-Identifier: BSD-2-Clause
/** A whole Debian under the virtual clock, on a disk whose latency is modelled: two runs are the same to the last bit. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ROOT_PASSWORD } from '../../scripts/debian-image/contents.js';
import { APPEND, type DebianImage } from '../../scripts/debian-image/image.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import { runUntilStopped } from '../../src/machine/run.js';
import { type Evidence, evidence, firstDifference } from '../support/proof.js';
import { debianImage, diskOf } from './support/debian-guest.js';
import { checkFileSystem, withDisk } from './support/disk-image.js';
import { virtualClock } from './support/linux-session.js';

const MEMORY = 1024 * 1024 * 1024;
const script = [
  { after: 'login: ', send: 'root\n' },
  { after: 'Password: ', send: `${ROOT_PASSWORD}\n` },
  { after: '# ', send: 'date; systemctl is-system-running --wait; cat /proc/interrupts; poweroff\n' },
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
    pci: withDisk(disk, {}, options),
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

/** The whole file fits into memory for a moment only. */
function digestOf(path: string): string {
  return createHash('sha1')
    .update(readFileSync(path, { flag: 'r' }).subarray())
    .digest('hex');
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
    expect(first.evidence.console).toMatch(/Sat Nov 30 00:0\d:\d\d UTC 2013\r\n(\x1b\S*)?running/);
    checkFileSystem(first.disk);
    const second = await live(image, options);
    expect(firstDifference(first.evidence, second.evidence)).toBeNull();
    expect(second.digest).toBe(first.digest);
  });
});
