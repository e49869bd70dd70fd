// SPDX-License-Identifier: BSD-2-Clause
import { parseArguments } from '../../src/cli/args.js';
import { translatorOf } from '../../src/cli/translator-options.js';
import { type MachineConfig, machineConfig } from '../../src/machine/config.js';

const VIRTUAL = { clock: { kind: 'virtual', numerator: 1, denominator: 1 } } as const;

function translator(words: readonly string[], machine: Partial<MachineConfig> = VIRTUAL) {
  const parsed = parseArguments(['--kernel', '/kernel', ...words]);
  if (parsed.kind !== 'run') throw new Error('printed instead');
  return translatorOf(parsed.tree, machineConfig({ engine: 'soft', ...machine }));
}

test('it is on, unless asked otherwise', () => {
  expect(translator([])).toEqual({ mode: 'on' });
  expect(translator(['--translator', 'off'])).toEqual({ mode: 'off' });
  expect(translator(['--translator', 'lockstep'])).toEqual({ mode: 'lockstep' });
});

test('perf finds the map by the number of the process', () => {
  expect(translator(['--perf-map'])).toEqual({ mode: 'on', perfMap: `/tmp/perf-${process.pid}.map` });
});

test.each<[string, string, Partial<MachineConfig>]>([
  ["translator: unknown value 'fast'; accepted are off, on, lockstep", 'fast', VIRTUAL],
  ['translator: lockstep needs --clock virtual', 'lockstep', {}],
  ['translator: lockstep needs one vCPU, not 2', 'lockstep', { ...VIRTUAL, cpus: 2 }],
])('%s', (message, mode, machine) => {
  expect(() => translator(['--translator', mode], machine)).toThrow(message);
});
