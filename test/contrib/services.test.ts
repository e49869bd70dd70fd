// SPDX-License-Identifier: BSD-2-Clause
/** The services' own commands: a VM that is stopped and started goes on, one that has ended boots. Needs the built checkout. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { COUNT, countingGuest, countLine } from '../cli/support/counting-guest.js';
import { ECHO_GUEST, RESET } from '../cli/support/echo-guest.js';
import { endRuns, PROGRAM, Run, runFolder } from '../cli/support/run.js';

/** Each test starts many processes, on a machine that may be busy. */
jest.setTimeout(60_000);

const CTL = resolve('dist/src/cli/ctl/main.js');
const WHOLE = `${Array.from({ length: COUNT }, (_, number) => countLine(number)).join('')}half\n`;

let folder = '';
let place = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-service-'));
  place = runFolder();
  for (const [name, guest] of Object.entries({ counter: countingGuest(), echo: ECHO_GUEST })) {
    writeFileSync(join(folder, name), guest);
    const settings = [
      `boot.kernel=${join(folder, name)}`,
      'memory.size=16M',
      `snapshot.store=${join(folder, 'store')}`,
    ];
    writeFileSync(join(folder, `${name}.conf`), `# a VM\n${settings.join('\n')}\nclock=virtual\n`);
  }
});
afterEach(async () => {
  for (const vm of readdirSync(place)) await ctl(`--vm=${vm}`, '--destroy').end();
  endRuns();
  rmSync(folder, { recursive: true });
});

const ctl = (...words: string[]): Run => new Run({ runFolder: place, program: CTL }, ...words);

/** What its console shows from `sees` on; then it is left alone. */
async function watch(vm: string, sees: string, type = ''): Promise<string> {
  const console = await attached(vm);
  console.type(type);
  await console.until(() => console.out.includes(sees));
  console.child.kill('SIGTERM');
  await console.end();
  return console.out;
}

/** The service says that a VM has been started before it can be asked. */
async function attached(vm: string): Promise<Run> {
  for (;;) {
    const look = ctl('list');
    await look.end();
    if (look.out.startsWith(`${vm}  running`)) return ctl(`--vm=${vm}`, 'console');
  }
}

describe('systemd', () => {
  const unit = readFileSync('contrib/systemd/tsbhyve@.service', 'utf8');
  const line = (name: string): string => new RegExp(`^${name}=-?(.*)$`, 'm').exec(unit)?.[1] ?? '';

  /** As systemd does it for the instance `counter`, with the programs of this checkout. */
  function words(name: string): string[] {
    const [, ...rest] = line(name).replaceAll('%i', 'counter').replaceAll('/etc/tsbhyve', folder).split(' ');
    return rest;
  }

  test('its start boots, its stop suspends, its next start goes on', async () => {
    expect(line('ExecStart')).toMatch(/^\/usr\/local\/bin\/tsbhyve /);
    const first = new Run({ runFolder: place }, ...words('ExecStart'));
    const before = await watch('counter', countLine(20), 'hal');
    const stop = ctl(...words('ExecStop'));
    expect((await stop.end()).status).toBe(0);
    expect(line('SuccessExitStatus').split(' ')).toContain(String((await first.end()).status));

    const second = new Run({ runFolder: place }, ...words('ExecStart'));
    const console = await attached('counter');
    console.type('f\n');
    await console.end();
    expect(before + console.out).toBe(WHOLE);
    expect((await second.end()).status).toBe(1);
  });
});

describe('rc.d', () => {
  /** What the script needs of rc.subr(8) and daemon(8). */
  const SUBR = `load_rc_config() { :; }
run_rc_command() { command=$1; shift; eval "\\$\${command}_cmd" '"$@"'; }
daemon() { log=$3; shift 3; "$@" >>"$log" 2>&1 </dev/null & }
`;

  async function service(...given: string[]): Promise<string> {
    const script = join(folder, 'rc');
    writeFileSync(
      script,
      readFileSync('contrib/rc.d/tsbhyve', 'utf8').replace('. /etc/rc.subr', () => SUBR),
    );
    const settings = {
      TSBHYVE_RUN: place,
      tsbhyve_config: folder,
      tsbhyve_program: PROGRAM,
      tsbhyve_ctl: CTL,
      tsbhyve_log: join(folder, 'log'),
    };
    return (await promisify(execFile)('sh', [script, ...given], { env: { ...process.env, ...settings } })).stdout;
  }

  test('its start boots, its stop suspends, its next start goes on', async () => {
    mkdirSync(join(folder, 'log'));
    expect(await service('start', 'counter')).toBe('Starting VM counter.\n');
    const before = await watch('counter', countLine(20), 'hal');
    expect(await service('start', 'counter')).toBe('VM counter is running already.\n');
    expect(await service('status')).toMatch(/^counter {2}running/);
    expect(await service('stop')).toMatch(/^Suspending VM counter\.\nsuspended as counter-1: /);
    expect(await service('status')).toBe('');

    await service('start', 'counter');
    const console = await attached('counter');
    console.type('f\n');
    await console.end();
    expect(before + console.out).toBe(WHOLE);
  });

  test('a guest that reboots is started again', async () => {
    await service('start', 'echo');
    const first = await attached('echo');
    await first.until(() => first.out.includes('UP\n'));
    first.type(RESET);
    await first.end();
    expect(await watch('echo', 'UP\n')).toBe('UP\n');
  });
});
