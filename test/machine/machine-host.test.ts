// SPDX-License-Identifier: BSD-2-Clause
/** A machine on its own thread. The thread runs the compiled sources: `npm run build:ts` first. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MachineConfig, machineConfig } from '../../src/machine/config.js';
import { MachineHost } from '../../src/machine/machine-host.js';
import { flood, floodKernel } from '../support/flood-kernel.js';
import { folder, startEcho, type } from './support/echo-host.js';

test('output and input pass between the threads, and power off is reported', async () => {
  const { host, output, stopped } = await startEcho();
  await host.call('resume');
  await output('>');
  await type(host, 'hello');
  await output('hello');
  await type(host, 'q');
  expect(await stopped()).toEqual({ kind: 'power-off' });
  expect((await host.call('status')).state).toBe('stopped');
});

test('a paused machine stands still, and runs on', async () => {
  const { host, output, text } = await startEcho();
  await host.call('resume');
  await output('>');
  await host.call('pause');
  const before = await host.call('status');
  await type(host, 'x');
  const after = await host.call('status');
  expect(after).toEqual({ ...before, state: 'paused' });
  expect(text()).toBe('>');
  await host.call('resume');
  await output('x');
});

test('a reset machine starts again', async () => {
  const { host, output, stopped } = await startEcho();
  await host.call('resume');
  await type(host, 'r');
  expect(await stopped()).toEqual({ kind: 'reset' });
  await host.call('reset');
  await host.call('resume');
  await type(host, 'again');
  await output('>again');
});

test('what a machine cannot do is refused, and it goes on', async () => {
  const { host, output } = await startEcho();
  await expect(host.call('pause')).rejects.toThrow('cannot pause a machine that is built');
  await host.call('resume');
  await output('>');
});

test('several machines run in one process', async () => {
  const machines = await Promise.all([startEcho(), startEcho(), startEcho()]);
  for (const { host } of machines) await host.call('resume');
  await Promise.all(machines.map(({ host }, index) => type(host, `guest ${index}`)));
  await Promise.all(machines.map(({ output }, index) => output(`guest ${index}`)));
});

test('closing works while the machine runs, and twice', async () => {
  const { host, output } = await startEcho();
  await host.call('resume');
  await output('>');
  await Promise.all([host.close(), host.close()]);
  await host.close();
  await expect(host.call('status')).rejects.toThrow('cannot ask for status: the machine is closed');
});

describe('a console that nobody reads', () => {
  const RING = 256 * 1024;
  const COUNT = 300_000;
  const ALL = flood(COUNT);

  async function unread(clock: MachineConfig['clock']) {
    const kernel = join(folder, 'flood');
    writeFileSync(kernel, floodKernel(COUNT));
    const started = await startEcho({}, undefined, { clock, boot: { kernel, commandLine: '' } });
    started.host.holdOutput('com1', true);
    await started.host.call('resume');
    return started;
  }

  /** Resolves when the guest is at the byte that does not fit: after two instructions, four for each before, and one. */
  async function standsStill(host: MachineHost): Promise<void> {
    for (let before = -1n; ; ) {
      const { instructions, state } = await host.call('status');
      expect(state).toBe('running');
      if (instructions === before && instructions >= 4n * BigInt(RING) + 3n) return;
      before = instructions;
    }
  }

  test('does not stop the machine: in real time what does not fit is lost', async () => {
    const { stopped, text } = await unread({ kind: 'real' });
    expect(await stopped()).toEqual({ kind: 'power-off' });
    expect(text()).toBe(ALL.slice(0, RING));
  });

  test('makes a machine under the virtual clock wait, which answers meanwhile and loses nothing', async () => {
    const { host, stopped, text } = await unread({ kind: 'virtual', numerator: 1, denominator: 1 });
    await standsStill(host);
    expect(text()).toBe('');
    host.holdOutput('com1', false);
    expect(await stopped()).toEqual({ kind: 'power-off' });
    expect(text()).toBe(ALL);
  });

  test('is told what such a machine has written when that is switched off', async () => {
    const { host, stopped, text } = await unread({ kind: 'virtual', numerator: 1, denominator: 1 });
    await standsStill(host);
    await host.call('powerOff');
    expect(await stopped()).toEqual({ kind: 'requested' });
    expect(text().length).toBeGreaterThan(RING);
    expect(ALL.startsWith(text())).toBe(true);
  });
});

test('a machine that cannot be built says why', async () => {
  const config = machineConfig({ boot: { kernel: join(folder, 'nothing'), commandLine: '' } });
  await expect(MachineHost.start(config)).rejects.toThrow('ENOENT');
});
