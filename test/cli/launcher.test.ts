// SPDX-License-Identifier: BSD-2-Clause
/** The launcher: no signal is lost while Node starts, and it behaves as the program that it starts. Needs the built checkout. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from '../host/support/fake-line.js';
import { DEBUG_EXIT, ECHO_GUEST, POWER_OFF } from './support/echo-guest.js';
import { endRuns, LAUNCHER, Run } from './support/run.js';
import { signalTrial } from './support/signal-trial.js';

let folder = '';
let kernel = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-launcher-'));
  kernel = join(folder, 'echo-guest');
  writeFileSync(kernel, ECHO_GUEST);
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

const boot = (): Run =>
  new Run({ program: LAUNCHER }, '-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '-l', 'pc-testdev');

const MINUTES = 60_000;

test.each([
  ['SIGUSR1', 10],
  ['SIGUSR2', 32],
  ['SIGTERM', 32],
] as const)(
  '%s is answered, every %i ms from the first instruction on',
  async (signal, step) => {
    for (let delay = 0; delay < 200; delay += step) await signalTrial(folder, kernel, signal, delay);
  },
  5 * MINUTES,
);

/** A stand-in for Node that a shell runs; it is started as `node --inspect-port=... program words`. */
function withNode(script: string, ...words: string[]) {
  const node = join(folder, 'node');
  writeFileSync(node, `#!/bin/sh\n${script}\n`);
  chmodSync(node, 0o755);
  return spawnSync(LAUNCHER, words, { env: { ...process.env, TSBHYVE_NODE: node }, encoding: 'latin1' });
}

test('Node gets the program of this checkout and every word as it is', () => {
  const { stdout } = withNode('for word; do echo "<$word>"; done', '-m', '1 G', '');
  expect(stdout).toBe(`<--inspect-port=192.0.2.1:9229>\n<${resolve('dist/bundle/tsbhyve.js')}>\n<-m>\n<1 G>\n<>\n`);
});

test('it ends with the status of its child, or by the same signal', () => {
  expect(withNode('exit 42')).toMatchObject({ status: 42, signal: null });
  expect(withNode('kill -SEGV $$')).toMatchObject({ status: null, signal: 'SIGSEGV' });
});

test('held signals are passed on once the child is ready, and no sooner', () => {
  const script = [
    'trap "echo too early; exit 1" USR1 TERM',
    'kill -USR1 $PPID; kill -TERM $PPID; kill -USR1 $PPID',
    'sleep 0.1', // nothing may come meanwhile
    'trap "echo USR1" USR1; trap "echo TERM" TERM',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
    'eval "printf r >&${TSBHYVE_READY_FD}; exec ${TSBHYVE_READY_FD}>&-"',
    'n=0; while [ $n -lt 20 ]; do sleep 0.05; n=$((n + 1)); done',
  ].join('\n');
  const { stdout, status } = withNode(script);
  expect(stdout.split('\n').filter(Boolean).sort()).toEqual(['TERM', 'USR1']);
  expect(status).toBe(0);
});

test('without Node there is one line and status 4', () => {
  const run = (env: NodeJS.ProcessEnv) => spawnSync(LAUNCHER, ['-h'], { env, encoding: 'latin1' });
  const found = run({ ...process.env, TSBHYVE_NODE: '/nowhere/node' });
  expect(found).toMatchObject({
    status: 4,
    stderr:
      "tsbhyve: cannot start node as '/nowhere/node': No such file or directory; TSBHYVE_NODE names another program\n",
  });
  expect(run({ PATH: '/nowhere' })).toMatchObject({ status: 4, stderr: expect.stringContaining("node as 'node'") });
});

test('without the compiled program there is one line and status 4', () => {
  const copy = join(folder, 'copy/build/Release/tsbhyve');
  mkdirSync(join(folder, 'copy/build/Release'), { recursive: true });
  writeFileSync(copy, readFileSync(LAUNCHER));
  chmodSync(copy, 0o755);
  const { status, stderr } = spawnSync(copy, [], { encoding: 'latin1' });
  expect(stderr).toBe(
    `tsbhyve: ${join(folder, 'copy/dist/bundle/tsbhyve.js')}: No such file or directory; npm run build makes it\n`,
  );
  expect(status).toBe(4);
});

test('when it is killed, its child goes too, and nobody holds the pipes', async () => {
  const run = boot();
  await run.until(() => run.out === 'UP\n');
  run.child.kill('SIGKILL');
  expect(await run.end()).toEqual({ status: null, signal: 'SIGKILL' }); // all ends of the pipes are closed
});

test('it stops when its child is stopped, and wakes it', async () => {
  const run = boot();
  await run.until(() => run.out === 'UP\n');
  const pid = run.child.pid ?? 0;
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').map(Number);
  process.kill(child ?? 0, 'SIGSTOP');
  await until(() => stateOf(pid) === 'T');
  expect(stateOf(child ?? 0)).toBe('T');
  run.child.kill('SIGCONT');
  run.type(`x${POWER_OFF}`);
  expect((await run.end()).status).toBe(1);
  expect(run.out).toBe('UP\nx');
});

function stateOf(pid: number): string {
  return /^State:\t(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';
}

test('a signal for the whole process group is answered once', async () => {
  const store = mkdtempSync(join(folder, 'group-'));
  const words = ['-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '--store', store];
  const child = spawn(LAUNCHER, words, { stdio: 'pipe', detached: true });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  await until(() => out === 'UP\n');
  process.kill(-(child.pid ?? 0), 'SIGUSR1');
  const status = await new Promise((done) => child.on('close', done));
  expect(status).toBe(5);
  expect(err).toMatch(/^tsbhyve: suspended as vm-1: [^\n]*\n$/);
});

test('signals inherited as ignored or blocked are held and passed on all the same', async () => {
  const perl = '$SIG{USR1} = "IGNORE"; use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR2)); exec @ARGV';
  const child = spawn(
    'perl',
    ['-e', perl, LAUNCHER, '-m', '16', '--kernel', kernel, '-l', 'com1,stdio', '-l', 'pc-testdev', '--store', kernel],
    { stdio: 'pipe' },
  );
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  await until(() => out === 'UP\n');
  child.kill('SIGUSR1');
  await until(() => err.includes('SIGUSR1: cannot suspend'));
  child.kill('SIGUSR2');
  await until(() => err.includes('SIGUSR2: cannot take a snapshot'));
  child.stdin.write(DEBUG_EXIT);
  expect(await new Promise((done) => child.on('close', done))).toBe(35);
});

test('a command without a VM refuses, and SIGTERM ends it as any other', () => {
  const script =
    'kill -USR1 $PPID; [ -z "$TERM_TOO" ] || kill -TERM $PPID; shift 2; exec node dist/bundle/tsbhyve.js "$@"';
  const refused = withNode(script, 'snapshot', 'ls', '--store', join(folder, 'none'));
  expect(refused.stderr).toBe('tsbhyve: SIGUSR1: cannot suspend: there is no VM\n');
  process.env.TERM_TOO = 'yes';
  const ended = withNode(script, 'snapshot', 'ls', '--store', join(folder, 'none'));
  delete process.env.TERM_TOO;
  expect(ended.signal).toBe('SIGTERM');
});
