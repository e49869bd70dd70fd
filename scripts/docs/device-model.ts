// SPDX-License-Identifier: BSD-2-Clause
/** Writes docs/device-model.md from the devices themselves: their shapes, their places on the buses, their files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shapes } from '../../devices/registry.js';
import { hex } from '../../src/core/bits.js';
import type { BusRange } from '../../src/core/port-bus.js';
import { FakeEngine } from '../../src/hypervisor/fake.js';
import { buildMachine } from '../../src/machine/build.js';
import { type DeviceHeader, deviceHeader } from './device-header.js';

interface DeviceFile {
  readonly path: string;
  readonly header: DeviceHeader;
}

/** Everything that a machine with all devices has on its buses, by kind of device. */
function placesByKind(): Map<string, string[]> {
  const machine = buildMachine(
    { memory: 2 * 1024 * 1024, clock: { kind: 'virtual', numerator: 1, denominator: 1 }, pcTestdev: true },
    { openEngine: (options) => new FakeEngine(options, function* () {}) },
  );
  const { devices, ports, mmio } = machine.parts.board;
  const places = new Map<string, string[]>();
  for (const { id, shape } of devices) {
    const rows = places.get(shape.kind) ?? [];
    const onPorts = ports.list().filter(({ name }) => name === id);
    const inMemory = mmio.list().filter(({ name }) => name === id);
    rows.push(...onPorts.map((range) => span('port', range)), ...inMemory.map((range) => span('address', range)));
    places.set(shape.kind, rows);
  }
  machine.close();
  return places;
}

function span(what: string, { base, end }: BusRange): string {
  return end === base + 1 ? `${what} ${hex(base)}` : `${what} ${hex(base)}-${hex(end - 1)}`;
}

/** Which file declares the state of each kind. */
function filesByKind(root: string): Map<string, DeviceFile> {
  const files = new Map<string, DeviceFile>();
  for (const path of readdirSync(join(root, 'devices'), { recursive: true, encoding: 'utf8' }).sort()) {
    if (!path.endsWith('.ts')) continue;
    const source = readFileSync(join(root, 'devices', path), 'utf8');
    for (const [, kind = ''] of source.matchAll(/new StateShape\('([^']+)'/g)) {
      files.set(kind, { path, header: deviceHeader(source) });
    }
  }
  return files;
}

export function deviceModel(root: string): string {
  const places = placesByKind();
  const files = filesByKind(root);
  const rows = shapes
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
    .map(({ kind, version }) => {
      const file = files.get(kind);
      if (file === undefined) throw new Error(`no file under devices/ declares the state of ${kind}`);
      const { summary, specs, notModelled } = file.header;
      const name = `[${kind}](../devices/${file.path})`;
      const bus = file.path.slice(0, file.path.indexOf('/'));
      return [
        name,
        bus,
        summary,
        places.get(kind)?.join(', ') || '-',
        specs.join(', ') || '-',
        notModelled || '-',
        version,
      ];
    });
  return [
    '<!-- Written by `npm run docs`: change the comments at the head of the device files instead. -->',
    '# The device model',
    'Every device that a machine can have. The titles of the specifications are in [specs.md](specs.md); the',
    'last column is the version of the saved state. PCI functions answer in configuration space only, where nothing else is said.',
    '',
    '| device | folder | what it is | where it answers | specifications | not modelled | state |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}
