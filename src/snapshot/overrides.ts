// SPDX-License-Identifier: BSD-2-Clause
/** What may be different after a restore, and what has a meaning on the host that saved it only. */
import type { CborMap, CborValue } from '../core/cbor.js';
import { isMap } from '../core/cbor.js';
import type { FieldDescription } from '../core/state-fields.js';
import type { MachineConfig, PciDeviceConfig } from '../machine/config.js';
import { type ConfigRecord, configRecord } from './config-record.js';
import { SnapshotError } from './snapshot-error.js';

/**
 * Nothing of it is seen by a guest before it is reset. Of PCI devices only values of the host may differ; another engine is
 * one whose compatibility data is the saved one's.
 */
export type Overrides = Partial<Pick<MachineConfig, 'name' | 'uuid' | 'boot' | 'pci' | 'guestClock' | 'engine'>>;

/** A value such as a path, by the name that `-o` has for it. */
export interface HostValue {
  readonly variable: string;
  readonly value: string;
}

export function overridden(saved: MachineConfig, overrides: Overrides = {}): MachineConfig {
  const config = { ...saved, ...overrides };
  const [before, after] = [saved.pci, config.pci].map((devices) => devices.map(visiblePart).join(' '));
  if (before === after) return config;
  throw new SnapshotError('pci', `expected the devices that were saved, ${before}, got ${after}`);
}

function visiblePart({ bus = 0, slot, fn, kind, options }: PciDeviceConfig): string {
  const names = Object.keys(options).filter((name) => name !== 'line'); // which a clone is given
  return [`${bus}:${slot}:${fn}`, kind, ...names].join(',');
}

/** Every `hostString` of a machine's configuration. */
export function hostValues(machine: ConfigRecord): HostValue[] {
  const found: HostValue[] = [];
  replaceHostValues(machine, (variable, value) => {
    found.push({ variable, value });
    return value;
  });
  return found;
}

/** The same machine with other values of the host. */
export function replaceHostValues(
  machine: ConfigRecord,
  replace: (variable: string, value: string) => string,
): ConfigRecord {
  const walk = (value: CborValue, declared: FieldDescription | undefined, variable: string): CborValue => {
    const description = declared?.type === 'optional' ? declared.element : declared;
    if (description?.hostRelative === true && typeof value === 'string') return replace(variable, value);
    if (Array.isArray(value)) return value.map((item) => walk(item, description?.element, nameWithin(variable, item)));
    const fields = description?.fields;
    if (!isMap(value) || fields === undefined) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, walk(part, fields[name], nameOfPart(variable, name, value))]),
    );
  };
  return configRecord.load(walk(configRecord.save(machine), configRecord.describe(), ''), 'machine');
}

/** Elements of lists have the names that the command gives them: PCI devices their place, options their own. */
function nameWithin(list: string, item: CborValue): string {
  if (!isMap(item)) return list;
  const { bus, slot, fn, name } = item;
  if (typeof slot === 'number' && typeof fn === 'number') return `${list}.${Number(bus)}.${slot}.${fn}`;
  return typeof name === 'string' ? `${list}.${name}` : list;
}

function nameOfPart(variable: string, part: string, owner: CborMap): string {
  if (variable === '') return part;
  const isTransparent = part === 'options' || (part === 'value' && 'name' in owner);
  return isTransparent ? variable : `${variable}.${part}`;
}
