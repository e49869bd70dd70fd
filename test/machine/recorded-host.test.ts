// SPDX-License-Identifier: BSD-2-Clause
/** A machine on its own thread, recorded and replayed. The thread runs the compiled sources: `npm run build:ts` first. */
import { join } from 'node:path';
import type { MachineConfig } from '../../src/machine/config.js';
import { folder, startEcho, type } from './support/echo-host.js';

const VIRTUAL: Partial<MachineConfig> = { clock: { kind: 'virtual', numerator: 1, denominator: 1 } };
let count = 0;

async function recordedRun(path: string): Promise<string> {
  const { host, output, stopped, text } = await startEcho({ inputs: { record: path } }, undefined, VIRTUAL);
  await host.call('resume');
  await type(host, 'one');
  await output('one');
  await host.call('pause');
  await type(host, 'two');
  await host.call('resume');
  await output('two');
  await type(host, 'q');
  expect(await stopped()).toEqual({ kind: 'power-off' });
  await host.close();
  return text();
}

test('a replay needs nobody who types', async () => {
  const path = join(folder, `inputs-${count++}`);
  const text = await recordedRun(path);
  const replay = await startEcho({ inputs: { replay: path } }, undefined, VIRTUAL);
  await replay.host.call('resume');
  expect(await replay.stopped()).toEqual({ kind: 'power-off' });
  expect(replay.text()).toBe(text);
});

test('a machine that is closed while it runs leaves a whole recording', async () => {
  const path = join(folder, `inputs-${count++}`);
  const recorded = await startEcho({ inputs: { record: path } }, undefined, VIRTUAL);
  await recorded.host.call('resume');
  await type(recorded.host, 'one');
  await recorded.output('one');
  await recorded.host.close();
  const replay = await startEcho({ inputs: { replay: path } }, undefined, VIRTUAL);
  await replay.host.call('resume');
  expect(await replay.stopped()).toEqual({ kind: 'requested' });
  expect(replay.text()).toContain('one');
});

test('a recorded machine is not reset from outside', async () => {
  const { host } = await startEcho({ inputs: { record: join(folder, `inputs-${count++}`) } }, undefined, VIRTUAL);
  await host.call('resume');
  await expect(host.call('reset')).rejects.toThrow('cannot reset a machine whose inputs are recorded');
});
