// SPDX-License-Identifier: BSD-2-Clause
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CtlOutput, ctl } from '../../../src/cli/ctl/ctl-command.js';
import { until } from '../../host/support/fake-line.js';
import { fakeControl, SAVED } from '../support/fake-control.js';

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly progress: readonly string[];
}

async function run(...words: string[]): Promise<Ended> {
  let out = '';
  let err = '';
  const progress: string[] = [];
  const output: CtlOutput = {
    print: (text) => (out += text),
    complain: (text) => (err += `${text}\n`),
    say: (text) => (err += `${text}\n`),
    progress: (done, total) => progress.push(`${done}/${total}`),
    progressEnds: () => progress.push('end'),
  };
  const status = await ctl(words, output);
  return { status, out: out.replaceAll(/ +/g, ' '), err, progress };
}

test('a VM that is not there is one line', async () => {
  expect(await run('--vm=none', '--status')).toMatchObject({
    status: 1,
    out: '',
    err: 'none: no VM of this name is running; tsbhyvectl list shows those that are\n',
  });
});

test('steps are done in the order given, and registers side by side are one question', async () => {
  const control = await fakeControl();
  control.answers.processor = { general: { rip: 0x10n, rax: 0x20n }, control: { cr3: 0x30n } };
  const { status, out } = await run('--vm=web', '--pause', '--get-rip', '--get-cr3', '--get-rax', '--resume');
  expect(out).toBe('rip 0x0000000000000010\ncr3 0x0000000000000030\nrax 0x0000000000000020\n');
  expect(status).toBe(0);
  expect(control.asked).toEqual(['pause', 'processor general,control 0', 'resume']);
});

test('--get-all is everything', async () => {
  const control = await fakeControl();
  control.answers.stats = {
    time: 1n,
    instructions: 2n,
    memory: 3,
    vcpus: [{ instructions: 7n, exits: { Hlt: 4 }, engine: { regions: 9 } }],
    balloon: null,
  };
  control.answers.processor = { general: { rip: 0x10n }, msrs: { '0x10': 5n } };
  const { out } = await run('--vm=web', '--get-all');
  for (const text of [
    'state running',
    'vcpus.0.exits.Hlt 4',
    'vcpus.0.engine.regions 9',
    'rip 0x0000000000000010',
    '0x10 0x0000000000000005',
  ]) {
    expect(out).toContain(text);
  }
  expect(control.asked.at(-1)).toBe('processor general,segments,control,debug,events,lapic,msrs,xsave 0');
});

test.each<[string[], object]>([
  [['--checkpoint'], {}],
  [['--checkpoint=one', '--stopped'], { name: 'one', live: false }],
  [['--checkpoint', 'one', '--parent=zero', '--live'], { name: 'one', parent: 'zero', live: true }],
  [['--checkpoint=some/where/one'], { name: 'one', store: resolve('some/where') }],
  [['--checkpoint=/store/one'], { name: 'one', store: '/store' }],
])('%j', async (words, order) => {
  const control = await fakeControl();
  const running = run('--vm=web', ...words);
  await until(() => control.saves.length === 1);
  const [save] = control.saves;
  expect(save?.order).toEqual({ kind: 'snapshot', ...order });
  save?.progress(1, 2);
  save?.end(SAVED);
  expect(await running).toEqual({
    status: 0,
    out: 'snapshot web-1: 3.0 MiB of memory; the guest stood still for 7 ms\n',
    err: '',
    progress: ['1/2', 'end'],
  });
});

test('--balloon asks for memory in bytes', async () => {
  const control = await fakeControl();
  expect(await run('--vm=web', '--balloon=64M')).toMatchObject({ status: 0, out: '', err: '' });
  expect(await run('--vm=web', '--balloon', '0')).toMatchObject({ status: 0 });
  expect(control.asked).toEqual(['setBalloon 67108864', 'setBalloon 0']);
  control.answers.setBalloon = 'the machine has no balloon';
  expect(await run('--vm=web', '--balloon=1M')).toMatchObject({ status: 1, err: 'web: the machine has no balloon\n' });
  const refused = "--balloon: 'much' is no size; 512M and 2G are, and 0\n";
  expect(await run('--vm=web', '--balloon=much')).toMatchObject({ status: 1, err: refused });
});

test('--suspend answers when the VM has ended and its name is free', async () => {
  const control = await fakeControl();
  const running = run('--vm=web', '--suspend=one');
  let ended = false;
  void running.then(() => (ended = true));
  await until(() => control.saves.length === 1);
  expect(control.saves[0]?.order).toEqual({ kind: 'suspend', name: 'one' });
  control.saves[0]?.end(SAVED);
  await new Promise((done) => setTimeout(done, 50));
  expect(ended).toBe(false);
  await control.close();
  expect(await running).toMatchObject({ status: 0, out: expect.stringMatching(/^suspended as web-1: 3\.0 MiB/) });
});

test('what the VM refuses is one line', async () => {
  const control = await fakeControl();
  const running = run('--vm=web', '--checkpoint');
  await until(() => control.saves.length === 1);
  control.saves[0]?.fail(new Error('web-1: there is a snapshot of this name: choose another'));
  expect(await running).toMatchObject({
    status: 1,
    out: '',
    err: 'web: web-1: there is a snapshot of this name: choose another\n',
  });
  control.answers.cancelSave = false;
  expect(await run('--vm=web', '--cancel')).toMatchObject({ status: 1, err: 'web: nothing is being saved\n' });
});

test('--suspend-all: one line for each VM, and a status if any failed', async () => {
  const good = await fakeControl('good');
  const bad = await fakeControl('bad');
  const running = run('--suspend-all');
  await until(() => good.saves.length === 1 && bad.saves.length === 1); // side by side
  good.saves[0]?.end({ ...SAVED, name: 'good-1' });
  bad.saves[0]?.fail(new Error('bad-1: no space left on device; the VM runs on'));
  await good.close();
  expect(await running).toMatchObject({
    status: 1,
    out: 'good: suspended as good-1: 3.0 MiB of memory; the guest stood still for 7 ms\n',
    err: 'bad: bad-1: no space left on device; the VM runs on\n',
  });
  await bad.close();
  expect(await run('--suspend-all')).toMatchObject({ status: 0, out: '', err: '' });
});

test('list has the VMs that are alive', async () => {
  await fakeControl('web');
  await fakeControl('db');
  mkdirSync(join(process.env.TSBHYVE_RUN ?? '', 'dead'));
  writeFileSync(join(process.env.TSBHYVE_RUN ?? '', 'dead', 'lock'), '');
  expect((await run('list')).out).toBe(
    ['db', 'web'].map((vm) => `${vm} running pid ${process.pid} 256.0 MiB soft\n`).join(''),
  );
});

test('--destroy cleans up after a dead VM', async () => {
  mkdirSync(join(process.env.TSBHYVE_RUN ?? '', 'dead'));
  writeFileSync(join(process.env.TSBHYVE_RUN ?? '', 'dead', 'lock'), '');
  expect(await run('--vm=dead', '--destroy')).toMatchObject({ status: 0, err: '' });
  expect((await run('--vm=dead', '--destroy')).err).toMatch(/^dead: no VM of this name is running/);
});

test('a console that is elsewhere, or taken, is one line', async () => {
  const control = await fakeControl();
  control.consoles = [{ port: 'com1', place: 'stdio', socket: null, attached: false }];
  expect((await run('--vm=web', 'console')).err).toBe(
    'web: only a detached console can be attached to (-l com1,detached); com1 is stdio\n',
  );
  control.consoles = [{ port: 'com1', place: 'detached', socket: '/nowhere', attached: true }];
  expect((await run('--vm=web', 'console')).err).toBe('web: somebody is attached to com1 already\n');
});

test.each<[string[], string]>([
  [['--vm=web'], 'nothing to do; -h lists what is accepted'],
  [['--status'], '--vm=NAME is missing; tsbhyvectl list shows which VMs run'],
  [['--vm=../x', '--status'], 'name: "../x": 1 to 64 letters, digits, and _ . - after the first are accepted'],
  [['--vm=web', '--get-nothing'], "unknown option '--get-nothing'; -h lists what is accepted"],
  [['--vm=web', 'dance'], "'dance'; accepted are list, console"],
  [['--vm=web', 'console', '--status'], 'console: goes with no other command'],
  [['--vm=web', '--suspend-all'], '--vm=web: --suspend-all is for all VMs'],
  [['--vm=web', '--suspend', '--live'], '--suspend: --parent, --live and --stopped go with --checkpoint only'],
  [['--vm=web', '--checkpoint', '--live', '--stopped'], '--live and --stopped: give one of the two'],
])('%j is refused in one line', async (words, line) => {
  expect(await run(...words)).toMatchObject({ status: 1, out: '', err: `${line}\n` });
});

test('the help page has every verb', async () => {
  const { status, out } = await run('-h');
  expect(status).toBe(0);
  for (const verb of ['--suspend [name]', '--destroy', '--get-all', 'lapic', 'console']) expect(out).toContain(verb);
});
