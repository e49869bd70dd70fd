// SPDX-License-Identifier: BSD-2-Clause
/** A machine's settings as texts, for a recording that has to be replayed with the same. */
import type { MachineConfig } from '../config.js';

export type Setting = { readonly name: string; readonly value: string };

export function settingsOf(config: MachineConfig): Setting[] {
  return Object.entries(config)
    .map(([name, value]) => ({ name, value: text(value) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** In one line, what is not as it was; null if all is. */
export function firstDifference(recorded: readonly Setting[], here: readonly Setting[]): string | null {
  for (const { name, value } of recorded) {
    const ours = here.find((setting) => setting.name === name)?.value ?? 'nothing';
    if (ours !== value) return `recorded with ${name} ${value}, here it is ${ours}`;
  }
  return null;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? 'null';
}
