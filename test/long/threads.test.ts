// SPDX-License-Identifier: BSD-2-Clause
/**
 * Debian with several vCPUs on threads of the host: boots, works, moves to other machines in the middle, and stays whole.
 * stress-ng has them under the virtual clock, too.
 */
import type { ClockMode } from '../../src/hypervisor/hypervisor.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { stressGuest, virtioGuest } from './support/debian-files.js';
import { diskImage, withDisk } from './support/disk-image.js';
import { HostedLinux } from './support/hosted-linux.js';

const MIB = 1024 * 1024;
const STRESS_SECONDS = Number(process.env.TSBHYVE_STRESS_SECONDS ?? 600);

/**
 * Kernel messages of warning level and worse. It counts the processors in words of their own, and says when a busy host has
 * kept a vCPU from running in the midst of a timer's interrupt.
 */
const WARNINGS = 'dmesg -r | grep "^<[0-4]>" | grep -v -e " #[0-9]*$" -e "hrtimer: interrupt took"';
/** As many loops at once as there are vCPUs, each with a sum of its own. */
const sums = (jobs: number): string =>
  `for j in $(seq ${jobs}); do (i=0; s=0; while [ $i -lt 60000 ]; do i=$((i+1)); s=$((s+i*j)); done; echo "sum $j $s") & done; wait`;

describe.each([2, 4])('with %i vCPUs', (cpus) => {
  let linux: HostedLinux;

  beforeAll(async () => {
    const pci = withDisk(diskImage().path);
    linux = await HostedLinux.boot(await virtioGuest(), { cpus, memory: 256 * MIB, pci });
  });
  afterAll(() => linux.close());

  test('all of them are there', async () => {
    expect(await linux.ask('nproc')).toEqual([String(cpus)]);
    const interrupts = await linux.ask('grep -E "LOC|RES|CAL|TLB|ERR|MIS" /proc/interrupts');
    const row = (name: string) =>
      interrupts
        .find((line) => line.includes(`${name}:`))
        ?.match(/\d+/g)
        ?.map(Number) ?? [];
    expect(row('LOC').filter((count) => count > 0).length).toBeGreaterThanOrEqual(cpus);
    expect(row('ERR')).toEqual([0]);
  });

  test('the disk works through its doorbells', async () => {
    expect(
      await linux.ask(
        'dd if=/dev/urandom of=/r bs=1M count=8 2>/dev/null; dd if=/r of=/dev/vda bs=64k 2>/dev/null; sync; echo 3 > /proc/sys/vm/drop_caches; cmp -n 8388608 /r /dev/vda && echo same',
      ),
    ).toEqual(['same']);
  });

  test('they work at the same time, and go on in other machines', async () => {
    const store = temporaryStore();
    const wanted = Array.from({ length: cpus }, (_, job) => `sum ${job + 1} ${1_800_030_000 * (job + 1)}`);
    linux.type(sums(cpus));
    for (let move = 0; move < 4; move += 1) await linux.moveOn(store.root);
    expect((await linux.answer()).filter((line) => line.startsWith('sum')).sort()).toEqual(wanted);
  });

  test('the kernel has nothing to complain of', async () => {
    expect(await linux.ask(WARNINGS)).toEqual([]);
  });
});

const CLOCKS: readonly (readonly [string, ClockMode])[] = [
  ['real', { kind: 'real' }],
  // Forty nanoseconds an instruction: minutes of the guest take no more of ours.
  ['virtual', { kind: 'virtual', numerator: 40, denominator: 1 }],
];
const STRESSES = [2, 4].flatMap((cpus) => CLOCKS.map(([name, clock]) => ({ cpus, name, clock })));

test.each(STRESSES)('stress-ng finds nothing with $cpus vCPUs and the $name clock', async ({ cpus, clock }) => {
  const linux = await HostedLinux.boot(await stressGuest(), { cpus, clock, memory: 512 * MIB });
  try {
    const options = '--cpu 2 --switch 2 --fault 2 --mmap 2 --mmap-bytes 32M --verify --metrics-brief';
    const said = await linux.ask(`stress-ng ${options} --timeout ${STRESS_SECONDS}s 2>&1; echo status $?`);
    expect(said.filter((line) => /fail|error/i.test(line))).toEqual([]);
    expect(said.at(-1)).toBe('status 0');
    expect(await linux.ask(WARNINGS)).toEqual([]);
  } finally {
    await linux.close();
  }
});
