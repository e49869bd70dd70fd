// SPDX-License-Identifier: BSD-2-Clause
/** `--get-rip`, `--get-cs-base`, `--get-lapic` ...: one option for each register and each group, from the engine's own table. */
import { REGISTER_ROWS } from '../../hypervisor/registers.js';
import { groupOf, STATE_GROUPS, type StateGroup } from '../../machine/inspect.js';

export interface RegisterOption {
  /** Without `--get-`. */
  readonly word: string;
  readonly group: StateGroup;
  /** Null: the whole group. */
  readonly register: string | null;
}

export const REGISTER_OPTIONS: readonly RegisterOption[] = [
  ...STATE_GROUPS.map((group) => ({ word: group, group, register: null })),
  ...REGISTER_ROWS.flatMap(({ name }) => {
    const group = groupOf(name);
    return group === undefined ? [] : [{ word: name.replaceAll('_', '-'), group, register: name }];
  }),
];
