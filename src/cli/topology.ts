// SPDX-License-Identifier: BSD-2-Clause
/** `-c [cpus=]n[,sockets=n][,cores=n][,threads=n]` */
import { MAX_VCPUS } from '../hypervisor/processors-state.js';
import type { MachineConfig } from '../machine/config.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

export interface Topology {
  readonly cpus: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

const PARTS = ['cpus', 'sockets', 'cores', 'threads'] as const;

export function setTopology(tree: ConfigTree, text: string): void {
  for (const [index, word] of text.split(',').entries()) {
    const [left, right] = word.split('=', 2);
    const part = right === undefined && index === 0 ? 'cpus' : PARTS.find((name) => name === left);
    if (part === undefined || (right ?? word) === '') {
      throw new UsageError(
        `-c ${text}`,
        `'${word}' is not accepted; accepted is [cpus=]n[,sockets=n][,cores=n][,threads=n]`,
      );
    }
    tree.set(part, right ?? word);
  }
}

export function topologyOf(tree: ConfigTree): Topology {
  const count = (name: string, byDefault: number): number => tree.number(name, byDefault, 1, MAX_VCPUS);
  const sockets = count('sockets', 1);
  const threads = count('threads', 1);
  const cores = count('cores', 1);
  const cpus = count('cpus', sockets * cores * threads);
  // As bhyve: what is not given is one, except that plain `-c n` means n sockets.
  const given = PARTS.some((part) => part !== 'cpus' && tree.get(part) !== undefined);
  if (!given) return { cpus, sockets: cpus, cores: 1, threads: 1 };
  if (sockets * cores * threads !== cpus) {
    const product = `${sockets} sockets x ${cores} cores x ${threads} threads`;
    throw new UsageError('cpus', `${product} make ${sockets * cores * threads}, not ${cpus}; the product must match`);
  }
  return { cpus, sockets, cores, threads };
}

/** The same as a machine is configured with it. */
export function processorsOf(tree: ConfigTree): Pick<MachineConfig, 'cpus' | 'topology'> {
  const { cpus, sockets, cores, threads } = topologyOf(tree);
  return { cpus, topology: sockets === cpus ? null : { sockets, cores, threads } };
}
