// SPDX-License-Identifier: BSD-2-Clause
/** A machine's configuration as a manifest holds it. */

import { count, decimal, text } from '../core/json-fields.js';
import type { Field, StateOf } from '../core/state-fields.js';
import { bool, hostString, list, oneOf, optional, record } from '../core/state-fields.js';
import {
  COM_PORTS,
  type ComPort,
  GUEST_CLOCKS,
  type MachineConfig,
  type ScriptStep,
  UNPACKERS,
} from '../machine/config.js';

const name = text({ max: 64 });
const steps = list(
  record({
    send: text(),
    at: optional(decimal({ unit: 'ns', doc: 'VM time' })),
    after: optional(text({ doc: 'once this text has appeared' })),
  }),
  { max: 1024 },
);

const fields = {
  name,
  uuid: text({ max: 36 }),
  cpus: count(),
  topology: optional(record({ sockets: count(), cores: count(), threads: count() }), { isOmitted: true }),
  memory: count({ unit: 'bytes' }),
  engine: name,
  cpuModel: name,
  tscHz: optional(decimal({ unit: 'Hz', doc: 'null: as the CPU model has it' })),
  clock: record({ kind: oneOf(['real', 'virtual']), numerator: count(), denominator: count() }),
  boot: optional(
    record({
      kernel: hostString(),
      initrd: optional(hostString()),
      commandLine: text(),
      unpack: optional(oneOf(UNPACKERS)),
    }),
  ),
  guestClock: optional(oneOf(GUEST_CLOCKS, { doc: 'null: by the kind of clock' })),
  rtcBase: decimal({ unit: 's', doc: 'since 1970, at power-on' }),
  rtcLocalTime: bool({ doc: 'rtcBase is the local time of the host, not UTC' }),
  pci: list(
    record({
      bus: count(),
      slot: count(),
      fn: count(),
      kind: name,
      options: list(record({ name, value: hostString() }), { max: 64 }),
    }),
    { max: 256 },
  ),
  pcTestdev: bool(),
  ignoreUnknownMsrs: bool(),
  strictPorts: bool(),
  mpTable: bool(),
  scripts: list(record({ port: oneOf(COM_PORTS), steps }), { max: COM_PORTS.length }),
} satisfies Record<keyof MachineConfig, Field<unknown>>;

export const configRecord = record(fields, { doc: 'the machine' });
export type ConfigRecord = StateOf<typeof fields>;

export function recordFromConfig(config: MachineConfig): ConfigRecord {
  const { clock, boot, pci, scripts } = config;
  return {
    ...config,
    clock: clock.kind === 'virtual' ? { ...clock } : { kind: 'real', numerator: 1, denominator: 1 },
    boot: boot === null ? null : { ...boot, initrd: boot.initrd ?? null, unpack: boot.unpack ?? null },
    pci: pci.map(({ options, bus = 0, ...place }) => ({
      bus,
      ...place,
      options: Object.entries(options).map(([option, value]) => ({ name: option, value })),
    })),
    scripts: COM_PORTS.flatMap((port) => {
      const script = scripts[port];
      return script === undefined ? [] : [{ port, steps: script.map(stepRecord) }];
    }),
  };
}

export function configFromRecord(saved: ConfigRecord): MachineConfig {
  const { clock, boot, pci, scripts } = saved;
  const { numerator, denominator } = clock;
  const typed: Partial<Record<ComPort, ScriptStep[]>> = {};
  for (const script of scripts) typed[script.port] = script.steps.map(scriptStep);
  return {
    ...saved,
    clock: clock.kind === 'real' ? { kind: 'real' } : { kind: 'virtual', numerator, denominator },
    boot: boot === null ? null : bootPaths(boot),
    pci: pci.map(({ options, bus, ...place }) => ({
      ...(bus !== 0 && { bus }),
      ...place,
      options: Object.fromEntries(options.map(({ name: option, value }) => [option, value])),
    })),
    scripts: typed,
  };
}

type StepRecord = ConfigRecord['scripts'][number]['steps'][number];

function stepRecord(step: ScriptStep): StepRecord {
  return { send: step.send, at: 'at' in step ? step.at : null, after: 'after' in step ? step.after : null };
}

function scriptStep({ send, at, after }: StepRecord): ScriptStep {
  return at === null ? { send, after: after ?? '' } : { send, at };
}

function bootPaths({ initrd, unpack, ...boot }: NonNullable<ConfigRecord['boot']>): NonNullable<MachineConfig['boot']> {
  return { ...boot, ...(initrd !== null && { initrd }), ...(unpack !== null && { unpack }) };
}
