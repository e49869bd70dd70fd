// SPDX-License-Identifier: BSD-2-Clause
/** `-p vcpu:hostcpu`, once for each vCPU that is to stay on one processor of the host. */
import type { MachineConfig } from '../machine/config.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

const LAST_HOST_CPU = 1023; // as far as sched_setaffinity(2) counts in its usual set
const ANY = -1;

const variableOf = (vcpu: number | string): string => `vcpu.${vcpu}.cpuset`;

export function setPin(tree: ConfigTree, text: string): void {
  const [, vcpu, hostCpu] = /^(\d{1,4}):(\d{1,4})$/.exec(text) ?? [];
  if (vcpu === undefined || hostCpu === undefined) {
    throw new UsageError(`-p ${text}`, 'expected vcpu:hostcpu, two numbers such as 0:2');
  }
  const variable = variableOf(Number(vcpu));
  const other = tree.get(variable);
  if (other !== undefined) throw new UsageError(`-p ${text}`, `vCPU ${vcpu} has host CPU ${other}; one is accepted`);
  tree.set(variable, hostCpu);
}

/** Host CPUs by vCPU, -1 for any; null when nothing is pinned. */
export function pinsOf(tree: ConfigTree, { cpus, clock }: MachineConfig): readonly number[] | null {
  const pinned = tree.children('vcpu');
  if (pinned.length === 0) return null;
  const pins = new Array<number>(cpus).fill(ANY);
  for (const name of pinned) {
    const vcpu = /^\d+$/.test(name) ? Number(name) : ANY;
    if (vcpu < 0 || vcpu >= cpus) throw new UsageError(variableOf(name), `expected a vCPU from 0 to ${cpus - 1}`);
    pins[vcpu] = tree.number(variableOf(name), ANY, 0, LAST_HOST_CPU);
  }
  const where = variableOf(pinned[0] ?? '');
  if (clock.kind === 'virtual') {
    throw new UsageError(
      where,
      'under the virtual clock vCPUs take turns on one thread; leave it out, or use --clock real',
    );
  }
  if (cpus === 1) {
    throw new UsageError(
      where,
      'a single vCPU has no thread of its own; leave it out, or start tsbhyve with taskset(1) (FreeBSD: cpuset(1))',
    );
  }
  return pins;
}
