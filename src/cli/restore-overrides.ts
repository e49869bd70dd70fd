// SPDX-License-Identifier: BSD-2-Clause
/** What a command line changes about a saved machine: its name, its engine, and what has a meaning on one host only. */
import { chooseEngine } from '../hypervisor/engine-choice.js';
import { GUEST_CLOCKS, type KernelBoot } from '../machine/config.js';
import { type ConfigRecord, configFromRecord } from '../snapshot/config-record.js';
import { hostValues, type Overrides, replaceHostValues } from '../snapshot/overrides.js';
import type { ConfigTree } from './config-tree.js';
import { requireReadableFile } from './files.js';
import { uuidOf } from './settings.js';
import { UsageError } from './usage-error.js';

/** Bus, slot and function. */
const PLACE_PARTS = 3;

export function restoreOverrides(tree: ConfigTree, snapshot: string, saved: ConfigRecord): Overrides {
  const known = hostValues(saved).map(({ variable }) => variable);
  for (const variable of pciOptions(tree)) {
    if (known.includes(variable)) continue;
    const accepted = known.length === 0 ? 'nothing' : known.join(', ');
    const value = tree.get(variable) ?? '';
    throw new UsageError(variable, `'${value}': the machine in snapshot ${snapshot} lets -o replace ${accepted}`);
  }
  const { pci, boot, clock } = configFromRecord(
    replaceHostValues(saved, (variable, value) => tree.get(variable) ?? value),
  );
  const name = tree.get('name') ?? saved.name;
  const engine = tree.get('engine');
  return {
    name,
    pci,
    boot: bootAgain(tree, boot),
    ...(engine !== undefined && { engine: chooseEngine(engine, clock).engine }),
    ...(tree.bool('snapshot.clone', false) && { uuid: tree.get('uuid') ?? uuidOf(name) }),
    ...(tree.get('guest.clock') !== undefined && { guestClock: tree.oneOf('guest.clock', GUEST_CLOCKS, 'freeze') }),
  };
}

/** What a reset of the guest boots: files may have moved since the snapshot was made, and there may be one more. */
function bootAgain(tree: ConfigTree, saved: KernelBoot | null): KernelBoot | null {
  const kernel = tree.get('boot.kernel');
  const initrd = tree.get('boot.initrd');
  const commandLine = tree.get('boot.append');
  if (kernel !== undefined) requireReadableFile('--kernel', kernel);
  if (initrd !== undefined) requireReadableFile('--initrd', initrd);
  const boot = kernel === undefined ? saved : { commandLine: '', ...saved, kernel };
  if (boot === null) return null;
  return { ...boot, ...(initrd !== undefined && { initrd }), ...(commandLine !== undefined && { commandLine }) };
}

function pciOptions(tree: ConfigTree): string[] {
  const options = tree.below('pci').filter((name) => name.split('.').length > PLACE_PARTS);
  return options.filter((name) => !name.endsWith('.device')).map((name) => `pci.${name}`);
}
