// SPDX-License-Identifier: BSD-2-Clause
/** What the host's processors do for a request of the guest's disk, beside running the guest. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { copyDisk } from '../../debian-image/copy-disk.js';
import { BenchError } from '../bench-error.js';
import { processorTime } from '../idle-cost.js';
import { qemu } from '../programs.js';
import { atMost, type Row } from '../report.js';
import { median } from '../statistics.js';
import { benchImage, type DebianBench, DebianVm, scratchDisk } from './debian-vm.js';
import { fioResult, fioWords } from './fio.js';

const SECONDS = 10;
/** As QEMU calls the thread that runs the guest, with debug-threads=on. */
const VCPU_THREAD = 'CPU 0/TCG';

const JOBS = [
  { name: 'reads, depth 1', words: fioWords('randread', '4k', 1, SECONDS) },
  { name: 'reads, depth 32', words: fioWords('randread', '4k', 32, SECONDS) },
  { name: 'writes, depth 32', words: fioWords('randwrite', '4k', 32, SECONDS) },
];

export async function* costRows({ runs, folder, progress }: DebianBench): AsyncIterable<Row> {
  const scratch = scratchDisk(folder);
  for (const { name, words } of JOBS) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let run = 1; run <= runs; run += 1) {
      progress(`host processors for 4 KiB ${name}, ${run} of ${runs}`);
      ours.push(await ourCost(words, folder, scratch));
      theirs.push(await theirCost(words, folder, scratch));
    }
    const [tsbhyve, other] = [median(ours), median(theirs)];
    const bar = atMost(tsbhyve, other, "QEMU's");
    yield { name: `host CPU beside the vCPU, 4 KiB ${name}`, unit: 'µs/IO', tsbhyve, qemu: other, bar };
  }
}

async function ourCost(words: readonly string[], folder: string, scratch: string): Promise<number> {
  const { disk, kernel, initrd } = benchImage();
  const root = join(folder, 'root-cost.img');
  await copyDisk(disk, root);
  const program = join(packageRoot(), 'dist/scripts/bench/debian/device-cost.js');
  const output = execFileSync(process.execPath, [program, kernel, initrd, root, scratch, words.join(' ')], {
    encoding: 'utf8',
  });
  return JSON.parse(output).microseconds;
}

async function theirCost(words: readonly string[], folder: string, scratch: string): Promise<number> {
  const vm = await DebianVm.boot(qemu, folder, { scratch });
  try {
    await vm.shell.login();
    const before = besideVcpuMs(vm.running.pid);
    const { requests } = fioResult(await vm.shell.ask(words.join(' ')));
    return (1000 * (besideVcpuMs(vm.running.pid) - before)) / requests;
  } finally {
    vm.kill();
  }
}

/** Threads that have ended count for the process. */
function besideVcpuMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const vcpu = readdirSync(tasks).find((id) => readFileSync(`${tasks}/${id}/comm`, 'latin1').trim() === VCPU_THREAD);
  if (vcpu === undefined) throw new BenchError(`QEMU has no thread called ${VCPU_THREAD}`);
  return processorTime(`/proc/${pid}/stat`) - processorTime(`${tasks}/${vcpu}/stat`);
}
