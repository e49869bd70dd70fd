// SPDX-License-Identifier: BSD-2-Clause
/** State of a vCPU and other answers as lines of a name and a value. */
import type { JsonState } from '../control/json-state.js';
import type { RegisterOption } from './register-options.js';

const NAME_WIDTH = 24;
const HEX_LINE = 64;

export function line(name: string, value: string): string {
  return `${name.padEnd(NAME_WIDTH)} ${value}\n`;
}

/** In the order in which they were asked for. */
export function stateText(state: JsonState, asked: readonly RegisterOption[]): string {
  return asked
    .map(({ group, register }) => {
      const values = state[group] ?? {};
      if (register !== null) return rowText(register, values[register] ?? '');
      return Object.entries(values)
        .map(([name, value]) => rowText(name, value))
        .join('');
    })
    .join('');
}

/** Members of members have both names. */
export function membersText(answer: Readonly<Record<string, unknown>>, prefix = ''): string {
  return Object.entries(answer)
    .map(([name, value]) => {
      if (typeof value !== 'object' || value === null)
        return line(`${prefix}${name}`, value === null ? '-' : String(value as string | number | boolean));
      return membersText(value as Readonly<Record<string, unknown>>, `${prefix}${name}.`); // JSON has nothing else
    })
    .join('');
}

function rowText(name: string, value: string | readonly string[]): string {
  if (typeof value !== 'string') return value.map((word, index) => line(`${name}[${index}]`, word)).join('');
  if (value.startsWith('0x')) return line(name, value);
  const pieces = value.match(new RegExp(`.{1,${HEX_LINE}}`, 'g')) ?? [];
  return pieces.map((piece, index) => line(`${name}+0x${((index * HEX_LINE) / 2).toString(16)}`, piece)).join('');
}
