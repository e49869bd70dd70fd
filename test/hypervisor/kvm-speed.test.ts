// SPDX-License-Identifier: BSD-2-Clause
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KvmProbe } from '../../src/hypervisor/addon.js';
import { probeKvm } from '../../src/hypervisor/kvm-speed.js';

let folder = '';
let file = '';
let key = 'this boot';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-kvm-speed-'));
  file = join(folder, 'cache/kvm-speed.json');
  key = 'this boot';
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Asks, and answers what the probe was told to be known. */
function ask(measured: number, place = { file, key: () => key }): number {
  let told = Number.NaN;
  const probe = (known: number): KvmProbe => {
    told = known;
    const instructionsPerSecond = known > 0 ? known : measured;
    return { available: false, reason: 'slow', instructionsPerSecond, tscHz: 1n, tscScalable: false };
  };
  expect(probeKvm(place, probe).instructionsPerSecond).toBe(told > 0 ? told : measured);
  return told;
}

test('measured once, then known', () => {
  expect([ask(5e6), ask(7e6), ask(9e6)]).toEqual([0, 5e6, 5e6]);
  expect(readdirSync(join(folder, 'cache'))).toEqual(['kvm-speed.json']);
});

test('another boot, device or program is measured anew, and that is kept', () => {
  ask(5e6);
  key = 'the next boot';
  expect([ask(7e6), ask(9e6)]).toEqual([0, 7e6]);
});

test('a KVM that cannot be used is asked again each time', () => {
  expect([ask(0), ask(0)]).toEqual([0, 0]);
  expect(existsSync(file)).toBe(false);
});

test('a host without the device keeps nothing', () => {
  const place = {
    file,
    key: (): string => {
      throw new Error('ENOENT');
    },
  };
  expect(ask(5e6, place)).toBe(0);
  expect(existsSync(file)).toBe(false);
});

test.each([
  '',
  'null',
  '[]',
  '{"key":"this boot"}',
  '{"key":"this boot","instructionsPerSecond":-1}',
  '{"key":"this boot","instructionsPerSecond":"fast"}',
  '{"key":"this boot","instructionsPerSecond":1e999}',
])('a file that says %j counts as none', (text) => {
  ask(5e6);
  writeFileSync(file, text);
  expect(ask(6e6)).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ key, instructionsPerSecond: 6e6 });
});

test('a folder that cannot be written to is no error', () => {
  writeFileSync(join(folder, 'cache'), 'a file');
  expect([ask(5e6), ask(6e6)]).toEqual([0, 0]);
});
