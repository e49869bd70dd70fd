// SPDX-License-Identifier: BSD-2-Clause
/** What the host's processors do for a device of the guest, beside running the guest, as rows. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { copyDisk } from '../../debian-image/copy-disk.js';
import { BenchError } from '../bench-error.js';
import { processorTime } from '../idle-cost.js';
import { inTurns } from '../in-turns.js';
import { qemu } from '../programs.js';
import { atMost, type Row } from '../report.js';
import { median } from '../statistics.js';
import { benchImage, type DebianBench, type DebianDevices, DebianVm } from './debian-vm.js';
import type { CostRequest, JobCost } from './device-cost.js';

/** As QEMU calls the thread that runs the guest, with debug-threads=on. */
const VCPU_THREAD = 'CPU 0/TCG';
const RESULT = '/run/bench-result';
/** Its answer holds the output of every job. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

export interface CostJob {
  readonly name: string;
  /** What the guest's shell runs. */
  readonly command: string;
  readonly unit: string;
  /** How many things the device did, by what the command printed. */
  readonly count: (output: string) => number;
}

export interface CostSubject {
  readonly devices: DebianDevices;
  /** What the guest's shell runs before the first job. */
  readonly prepare: string;
  readonly jobs: readonly CostJob[];
}

export async function* hostCostRows(subject: CostSubject, bench: DebianBench): AsyncIterable<Row> {
  const { jobs } = subject;
  const costs = await inTurns(
    bench.runs,
    { tsbhyve: () => ourCosts(subject, bench.folder), qemu: () => theirCosts(subject, bench.folder) },
    (run) => bench.progress(`host processors for ${jobs.map(({ name }) => name).join('; ')}: ${run} of ${bench.runs}`),
  );
  for (const [index, job] of jobs.entries()) {
    const { name, unit } = job;
    const of = (runs: readonly (readonly JobCost[])[]): number => median(runs.map((all) => perThing(all[index], job)));
    const [tsbhyve, other] = [of(costs.tsbhyve), of(costs.qemu)];
    const bar = atMost(tsbhyve, other, "QEMU's");
    yield { name: `host CPU beside the vCPU, ${name}`, unit, tsbhyve, qemu: other, bar };
  }
}

function perThing(cost: JobCost | undefined, { name, count }: CostJob): number {
  const things = cost === undefined ? 0 : count(cost.output);
  if (cost === undefined || things === 0) throw new BenchError(`${name}: the device did nothing`);
  return cost.microseconds / things;
}

async function ourCosts({ devices, prepare, jobs }: CostSubject, folder: string): Promise<readonly JobCost[]> {
  const { disk, kernel, initrd } = benchImage();
  const root = join(folder, 'root-cost.img');
  await copyDisk(disk, root);
  const commands = jobs.map(({ command }) => command);
  const request: CostRequest = { boot: { kernel, initrd }, root, devices, prepare, commands, result: RESULT };
  const program = join(packageRoot(), 'dist/scripts/bench/debian/device-cost.js');
  const output = execFileSync(process.execPath, [program, JSON.stringify(request)], {
    encoding: 'utf8',
    maxBuffer: LONGEST_ANSWER,
  });
  return JSON.parse(output) as JobCost[]; // as device-cost.ts writes it
}

async function theirCosts({ devices, prepare, jobs }: CostSubject, folder: string): Promise<readonly JobCost[]> {
  const vm = await DebianVm.boot(qemu, folder, devices);
  try {
    await vm.shell.login();
    await vm.shell.ask(prepare);
    const costs: JobCost[] = [];
    for (const { command } of jobs) {
      const before = besideVcpuMs(vm.running.pid);
      await vm.shell.ask(`${command} > ${RESULT}`);
      const microseconds = 1000 * (besideVcpuMs(vm.running.pid) - before);
      costs.push({ microseconds, output: await vm.shell.ask(`cat ${RESULT}`) });
    }
    return costs;
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
