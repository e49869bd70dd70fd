// SPDX-License-Identifier: BSD-2-Clause
import type { FieldDescription } from '../../src/core/state-fields.js';
import { machineConfig } from '../../src/machine/config.js';
import { configFromRecord, configRecord, recordFromConfig } from '../../src/snapshot/config-record.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { hostValues, overridden, replaceHostValues } from '../../src/snapshot/overrides.js';
import { temporaryStore } from './support/temporary-store.js';
import { savedTick } from './support/tick-subject.js';

const config = machineConfig({
  boot: { kernel: '/boot/kernel', initrd: '/boot/initrd', commandLine: 'quiet' },
  pci: [
    { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
    { slot: 3, fn: 1, kind: 'disk', options: { path: '/disk', log: '/log' } },
    { bus: 2, slot: 3, fn: 0, kind: 'disk', options: { path: '/far' } },
  ],
});
const saved = recordFromConfig(config);

test('all values of the host are listed by the names that -o has for them', () => {
  expect(hostValues(saved)).toEqual([
    { variable: 'boot.kernel', value: '/boot/kernel' },
    { variable: 'boot.initrd', value: '/boot/initrd' },
    { variable: 'pci.0.3.1.path', value: '/disk' },
    { variable: 'pci.0.3.1.log', value: '/log' },
    { variable: 'pci.2.3.0.path', value: '/far' },
  ]);
});

test('the list has every field that is declared as relative to the host', () => {
  const count = (field: FieldDescription): number =>
    Number(field.hostRelative === true) +
    [...Object.values(field.fields ?? {}), ...(field.element === undefined ? [] : [field.element])]
      .map(count)
      .reduce((sum, more) => sum + more, 0);
  const one = { ...config, pci: [{ slot: 3, fn: 1, kind: 'disk', options: { path: '/disk' } }] };
  expect(hostValues(recordFromConfig(one))).toHaveLength(count(configRecord.describe()));
});

test('replacing some leaves the rest alone', () => {
  const names: Readonly<Record<string, string>> = { 'boot.initrd': '/new', 'pci.0.3.1.path': '/moved' };
  const replaced = configFromRecord(replaceHostValues(saved, (variable, value) => names[variable] ?? value));
  expect(replaced).toEqual({
    ...config,
    boot: { ...config.boot, initrd: '/new' },
    pci: [config.pci[0], { slot: 3, fn: 1, kind: 'disk', options: { path: '/moved', log: '/log' } }, config.pci[2]],
  });
  expect(overridden(config, { pci: replaced.pci }).pci).toEqual(replaced.pci);
});

test('devices that a guest sees cannot be overridden', () => {
  const [bridge, disk] = config.pci;
  if (bridge === undefined || disk === undefined) throw new Error('the configuration has two devices');
  for (const pci of [
    [bridge],
    [bridge, disk],
    [bridge, { ...disk, fn: 0 }],
    [bridge, { ...disk, options: { path: '/disk' } }],
  ]) {
    expect(() => overridden(config, { pci })).toThrow(
      'pci: expected the devices that were saved, 0:0:0,hostbridge 0:3:1,d',
    );
  }
  const store = temporaryStore();
  savedTick(store, 'one');
  expect(() => loadMachine(store, 'one', { overrides: { pci: [] } })).toThrow('pci: expected the devices');
});
