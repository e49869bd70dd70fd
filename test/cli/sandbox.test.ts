// SPDX-License-Identifier: BSD-2-Clause
/** What a running VM has given up, seen from outside. Needs the built checkout. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadAddon } from '../../src/hypervisor/addon.js';
import { hostIdentity } from '../../src/snapshot/host-identity.js';
import { SnapshotStore } from '../../src/snapshot/store.js';
import { ECHO_GUEST, POWER_OFF } from './support/echo-guest.js';
import { forbiddenScript, REFUSALS } from './support/forbidden.js';
import { endRuns, LAUNCHER, PROGRAM, Run, type RunPlace, runFolder } from './support/run.js';

const CTL = resolve('dist/src/cli/ctl/main.js');
const onLinux = process.platform === 'linux' ? test : test.skip;
/** 0 and undefined: no Landlock. */
const landlock = loadAddon().sandbox.landlockVersion?.() ?? 0;
const withLandlock = landlock > 0 ? test : test.skip;
const skipped = landlock > 0 ? '' : ' (skipped: no Landlock in this kernel)';

let folder = '';
let place = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-sandbox-'));
  writeFileSync(join(folder, 'echo'), ECHO_GUEST);
});
beforeEach(() => {
  place = runFolder();
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

const store = (): string => join(folder, 'store');

async function running(start: string | RunPlace, ...words: string[]): Promise<Run> {
  const common = ['-m', '16', '--kernel', join(folder, 'echo'), '--store', store(), '--log', 'info'];
  const how = typeof start === 'string' ? { program: start } : start;
  const vm = new Run({ ...how, runFolder: place }, ...common, ...words, 'vm');
  await vm.until(() => vm.out === 'UP\n');
  await vm.until(() => existsSync(join(place, 'vm/control')), 10);
  return vm;
}

/** A line of the status of each of its threads. */
function ofThreads(name: string): Set<string | undefined> {
  const tasks = `/proc/${Number(readFileSync(join(place, 'vm/pid'), 'latin1'))}/task`;
  const line = new RegExp(`^${name}:\\s+(.*)$`, 'm');
  return new Set(readdirSync(tasks).map((id) => line.exec(readFileSync(join(tasks, id, 'status'), 'latin1'))?.[1]));
}

async function ends(vm: Run): Promise<void> {
  vm.type(POWER_OFF);
  expect((await vm.end()).status).toBe(1);
  expect(readdirSync(place)).toEqual([]);
}

const PROGRAMS = [
  ['node', PROGRAM],
  ['the launcher', LAUNCHER],
] as const;

onLinux.each(PROGRAMS)('every thread is filtered, started by %s', async (_, program) => {
  const vm = await running(program, '-l', 'com1,stdio');
  expect(ofThreads('Seccomp')).toEqual(new Set(['2']));
  expect(ofThreads('NoNewPrivs')).toEqual(new Set(['1']));
  expect(vm.err).toContain(landlock > 0 ? 'sandbox: seccomp and Landlock\n' : 'sandbox: seccomp; no Landlock');
  await ends(vm);
});

withLandlock.each(PROGRAMS)(
  `what is forbidden is refused on its threads, started by %s${skipped}`,
  async (_, program) => {
    const outside = mkdtempSync(join(folder, 'outside-'));
    writeFileSync(join(outside, 'secret'), 'secret');
    const [script, go, results] = [join(folder, 'forbidden.cjs'), join(place, 'vm/go'), join(place, 'vm')];
    writeFileSync(script, forbiddenScript(outside, go, results));
    const vm = await running({ program, environment: { NODE_OPTIONS: `--require ${script}` } }, '-l', 'com1,stdio');
    writeFileSync(go, '');
    for (const thread of ['main', 'machine']) {
      await vm.until(() => existsSync(join(results, thread)), 10);
      expect(JSON.parse(readFileSync(join(results, thread), 'utf8'))).toEqual(REFUSALS);
      rmSync(join(results, thread));
    }
    rmSync(go);
    expect(readdirSync(outside)).toEqual(['secret']);
    await ends(vm);
  },
);

onLinux('it can be switched off', async () => {
  const vm = await running(PROGRAM, '-l', 'com1,stdio', '--sandbox', 'off');
  expect(ofThreads('Seccomp')).toEqual(new Set(['0']));
  expect(vm.err).toContain('sandbox: off\n');
  await ends(vm);
});

const checkpoint = async (path: string): Promise<{ status: number | null; err: string }> => {
  const run = new Run({ runFolder: place, program: CTL }, '--vm=vm', `--checkpoint=${path}`);
  const { status } = await run.end();
  return { status, err: run.err };
};

withLandlock(`snapshots go into the VM’s own store, which need not have been there${skipped}`, async () => {
  const elsewhere = join(folder, 'elsewhere');
  mkdirSync(elsewhere, { recursive: true, mode: 0o700 });
  const vm = await running(PROGRAM, '-l', 'com1,stdio');
  expect(await checkpoint('here')).toMatchObject({ status: 0 });
  expect(readdirSync(store())).toContain('here');
  // Whoever cannot tell this host from another must read all memory before a resume.
  expect(new SnapshotStore(store()).open('here').manifest.host).toBe(hostIdentity());
  const refused = await checkpoint(join(elsewhere, 'there'));
  expect(refused.status).not.toBe(0);
  expect(refused.err).toContain(
    `store ${elsewhere}: the sandbox keeps this VM to '${store()}'; --store names another when a VM starts`,
  );
  expect(readdirSync(elsewhere)).toEqual([]);
  await ends(vm);
});

withLandlock(`without the sandbox they go anywhere${skipped}`, async () => {
  const elsewhere = join(folder, 'anywhere');
  mkdirSync(elsewhere, { mode: 0o700 });
  const vm = await running(PROGRAM, '-l', 'com1,stdio', '--sandbox=off');
  expect(await checkpoint(join(elsewhere, 'there'))).toMatchObject({ status: 0 });
  expect(readdirSync(elsewhere)).toEqual(['there']);
  await ends(vm);
});

onLinux('sockets of ports are removed although their folder is out of reach', async () => {
  const sockets = join(folder, 'sockets');
  mkdirSync(sockets);
  const vm = await running(PROGRAM, '-l', 'com1,stdio', '-l', `com2,unix=${join(sockets, 'com2')}`);
  expect(readdirSync(sockets)).toEqual(['com2']);
  await ends(vm);
  expect(readdirSync(sockets)).toEqual([]);
});
