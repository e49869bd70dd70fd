// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/cli/args.js';
import { resumeSettings } from '../../src/cli/resume-settings.js';
import type { Settings } from '../../src/cli/settings.js';
import { uuidOf } from '../../src/cli/settings.js';
import type { ManifestBody } from '../../src/snapshot/manifest.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import type { SnapshotStore } from '../../src/snapshot/store.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { MS, tickMachine } from '../snapshot/support/tick-subject.js';

const DRAWN = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

let folder = '';
let kernel = '';
let store: SnapshotStore;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-resume-settings-'));
  kernel = join(folder, 'kernel');
  writeFileSync(kernel, 'MZ');
  store = temporaryStore();
  const machine = tickMachine(MS);
  for (const kind of ['suspend', 'snapshot'] satisfies ManifestBody['kind'][])
    saveMachine(machine, store, kind, { kind });
  machine.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

function settings(snapshot: string, ...words: string[]): Settings {
  const parsed = parseArguments(['-r', snapshot, '--store', store.root, ...words]);
  if (parsed.kind !== 'run') throw new Error('printed instead');
  return resumeSettings(parsed.tree, snapshot, (count) => DRAWN.subarray(0, count));
}

test('options that say what the snapshot says may be repeated, so one command line serves a boot and a resume', () => {
  expect(settings('suspend', '-u', '--clock', 'virtual').machine).toMatchObject({ rtcLocalTime: false });
});

describe('the identity', () => {
  test.each([
    ['suspend', [], 'keep'],
    ['suspend', ['--keep'], 'new'],
    ['snapshot', [], 'new'],
    ['suspend', ['--identity', 'new'], 'new'],
    ['suspend', ['--keep', '--identity', 'keep'], 'keep'],
    ['snapshot', ['--identity', 'keep'], 'keep'],
    ['suspend', ['--clone', 'other'], 'new'],
  ])('of a %s with %j is %s', (snapshot, words, kind) => {
    expect(settings(snapshot, ...words).resume?.identity).toEqual(
      kind === 'keep' ? { kind } : { kind, generation: DRAWN, addresses: expect.any(String) },
    );
  });

  test.each([
    [['--clone', 'other'], 'new'],
    [['--clone', '--mac', 'keep', 'other'], 'keep'],
    [['--keep'], 'keep'],
    [['--keep', '--mac', 'new'], 'new'],
  ])('with %j the addresses of network cards are %s', (words, addresses) => {
    expect(settings('suspend', ...words).resume?.identity).toMatchObject({ addresses });
  });

  test.each([
    [['--mac', 'new'], "snapshot.mac: 'new' without a new identity; --identity new goes with it"],
    [['--mac', 'mine'], "snapshot.mac: unknown value 'mine'; accepted are keep, new"],
    [['--identity', 'mine'], "snapshot.identity: unknown value 'mine'; accepted are keep, new"],
    [
      ['--clone', '--identity', 'keep'],
      "snapshot.identity: 'keep' with --clone: a clone has an identity of its own: new",
    ],
  ])('%j is refused', (words, message) => {
    expect(() => settings('suspend', ...words)).toThrow(message);
  });
});

test('a clone has the name that it is given, and the UUID of that name or of -U', () => {
  const uuid = '12345678-1234-4234-8234-123456789abc';
  const { resume, machine } = settings('snapshot', '--clone', 'web');
  expect(resume).toMatchObject({ clone: true, overrides: { name: 'web', uuid: uuidOf('web') } });
  expect(machine).toMatchObject({ name: 'web', uuid: uuidOf('web') });
  expect(settings('snapshot', '--clone', '-U', uuid, 'web').resume?.overrides.uuid).toBe(uuid);
  expect(settings('snapshot', 'web').machine).toMatchObject({
    name: 'web',
    uuid: '00000000-0000-0000-0000-000000000000',
  });
  expect(() => settings('snapshot', '-U', uuid)).toThrow(`uuid: '${uuid}', but the machine in snapshot snapshot has`);
});

test('the guest clock is the one of the snapshot, unless another is given', () => {
  expect(settings('snapshot').resume?.overrides.guestClock).toBeUndefined();
  expect(settings('snapshot', '--guest-clock', 'advance').resume?.overrides.guestClock).toBe('advance');
  expect(() => settings('snapshot', '--guest-clock', 'stop')).toThrow(
    "guest.clock: unknown value 'stop'; accepted are",
  );
});

test('--verify is passed on', () => {
  expect(settings('snapshot').resume?.verify).toBe(false);
  expect(settings('snapshot', '--verify').resume?.verify).toBe(true);
});

test('values of the host are replaced with -o, by their own options too', () => {
  const boot = { kernel, commandLine: 'quiet' };
  expect(settings('snapshot', '-o', `boot.kernel=${kernel}`, '--append', 'quiet').resume?.overrides.boot).toEqual(boot);
  expect(() => settings('snapshot', '-o', 'boot.kernel=/none')).toThrow('--kernel /none: cannot read it');
});

test.each([
  [['-o', 'pci.0.31.0.path=/x'], "pci.0.31.0.path: '/x': the machine in snapshot snapshot lets -o replace nothing"],
  [['-o', 'pci.0.9.0.path=/x'], "pci.0.9.0.path: '/x': the machine in snapshot snapshot lets -o replace nothing"],
  [
    ['-o', 'pci.0.9.0.device=lpc'],
    "pci: '9:0,lpc', but the machine in snapshot snapshot has '0:0,hostbridge 31:0,lpc'",
  ],
  [['--unpack', 'guest'], "boot.unpack: 'guest', but the machine in snapshot snapshot has 'host'"],
  [['-o', 'rtc.base=5'], "rtc.base: '5', but the machine in snapshot snapshot has '1385769600'"],
])('%j is refused by name', (words, message) => {
  expect(() => settings('snapshot', ...words)).toThrow(message);
});

test('the engine is what the command line says, if that can be', () => {
  expect(settings('snapshot').machine.engine).toBe('soft');
  expect(settings('snapshot', '--engine', 'auto').resume?.overrides).toMatchObject({ engine: 'soft' });
  expect(() => settings('snapshot', '--engine', 'kvm')).toThrow('engine "kvm": it does not count instructions');
  expect(() => settings('snapshot', '--engine', 'abacus')).toThrow('engine "abacus": unknown engine');
});
