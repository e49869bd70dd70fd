// SPDX-License-Identifier: BSD-2-Clause
/** What a command line says about a machine that a snapshot already describes: it may repeat it, not change it. */
import { type MachineConfig, type PciDeviceConfig, topologyOf } from '../machine/config.js';
import { parseClock } from './clock-word.js';
import type { ConfigTree } from './config-tree.js';
import { pciDevices } from './pci-devices.js';
import { memorySize } from './sizes.js';
import { processorsOf } from './topology.js';
import { UsageError } from './usage-error.js';

interface Row {
  /** The error names the first of these that is set. */
  readonly variables: readonly string[];
  readonly isSet?: (tree: ConfigTree, variable: string) => boolean;
  readonly given: (tree: ConfigTree, variable: string) => string;
  readonly saved: (machine: MachineConfig) => string;
}

const text = (tree: ConfigTree, variable: string): string => tree.get(variable) ?? '';

/** A variable that is true or false. */
function flag(variable: string, saved: (machine: MachineConfig) => boolean): Row {
  return {
    variables: [variable],
    given: (tree) => String(tree.bool(variable, false)),
    saved: (machine) => String(saved(machine)),
  };
}

const ROWS: readonly Row[] = [
  {
    variables: ['uuid'],
    given: (tree) => text(tree, 'uuid').toLowerCase(),
    saved: ({ uuid }) => uuid.toLowerCase(),
  },
  {
    variables: ['cpus', 'sockets', 'cores', 'threads'],
    given: (tree) => cpusText(processorsOf(tree)),
    saved: cpusText,
  },
  {
    variables: ['memory.size'],
    given: (tree) => `${memorySize('memory.size', text(tree, 'memory.size'))} bytes`,
    saved: ({ memory }) => `${memory} bytes`,
  },
  { variables: ['cpu.model'], given: text, saved: ({ cpuModel }) => cpuModel },
  {
    variables: ['clock'],
    given: (tree) => clockText(parseClock('clock', text(tree, 'clock'))),
    saved: ({ clock }) => clockText(clock),
  },
  { variables: ['rtc.base'], given: text, saved: ({ rtcBase }) => String(rtcBase) },
  flag('rtc.use_localtime', ({ rtcLocalTime }) => rtcLocalTime),
  {
    variables: ['pci'],
    // Options alone are values of the host, or refused as such.
    isSet: (tree) => pciDevices(tree).length > 0,
    given: (tree) => pciText(pciDevices(tree)),
    saved: ({ pci }) => pciText(pci),
  },
  { variables: ['boot.unpack'], given: text, saved: ({ boot }) => boot?.unpack ?? 'host' },
  flag('lpc.pc-testdev', ({ pcTestdev }) => pcTestdev),
  flag('x86.strictmsr', ({ ignoreUnknownMsrs }) => !ignoreUnknownMsrs),
  flag('x86.strictio', ({ strictPorts }) => strictPorts),
  flag('x86.mptable', ({ mpTable }) => mpTable),
];

/** `free` may be what they like. */
export function refuseContradictions(
  tree: ConfigTree,
  snapshot: string,
  machine: MachineConfig,
  free: readonly string[] = [],
): void {
  for (const { variables, isSet = isGiven, given, saved } of ROWS) {
    if (variables.some((name) => free.includes(name))) continue;
    const variable = variables.find((name) => isSet(tree, name));
    if (variable === undefined) continue;
    const [ours, theirs] = [given(tree, variable), saved(machine)];
    if (ours === theirs) continue;
    throw new UsageError(variable, `'${ours}', but the machine in snapshot ${snapshot} has '${theirs}'; leave it out`);
  }
}

function isGiven(tree: ConfigTree, variable: string): boolean {
  return tree.get(variable) !== undefined || tree.children(variable).length > 0;
}

function cpusText(processors: Pick<MachineConfig, 'cpus' | 'topology'>): string {
  const { sockets, cores, threads } = topologyOf(processors);
  return `${processors.cpus} (sockets=${sockets},cores=${cores},threads=${threads})`;
}

function clockText(clock: MachineConfig['clock']): string {
  return clock.kind === 'real' ? 'real' : `virtual,${clock.numerator}/${clock.denominator}`;
}

function pciText(devices: readonly PciDeviceConfig[]): string {
  const rows = devices.map(({ slot, fn, kind }) => `${slot}:${fn},${kind}`);
  return rows.sort().join(' ');
}
