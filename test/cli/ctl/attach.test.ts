// SPDX-License-Identifier: BSD-2-Clause
import { PassThrough } from 'node:stream';
import { attach } from '../../../src/cli/ctl/attach.js';
import { ControlClient } from '../../../src/cli/ctl/control-client.js';
import { DetachedConsole } from '../../../src/host/console/detached-console.js';
import type { StandardStreams } from '../../../src/host/console/stdio-console.js';
import { FakeLine, until } from '../../host/support/fake-line.js';
import { fakeControl, SAVED } from '../support/fake-control.js';

/** A terminal in front of the console of a VM. */
async function terminal(isTTY = true) {
  const control = await fakeControl();
  const line = new FakeLine();
  const console = await DetachedConsole.open(control.folder.paths.console, line);
  control.consoles = [{ port: 'com1', place: 'detached', socket: control.folder.paths.console, attached: false }];
  const modes: boolean[] = [];
  const said: string[] = [];
  const keyboard = Object.assign(new PassThrough(), { isTTY, setRawMode: (raw: boolean) => modes.push(raw) });
  const screen = new PassThrough();
  let shown = '';
  screen.on('data', (bytes: Buffer) => {
    shown += bytes.toString('latin1');
  });
  const streams = { stdin: keyboard, stdout: screen } as unknown as StandardStreams; // what attach uses of them
  const left = attach(new ControlClient('web'), { streams, say: (text) => said.push(text) });
  await until(() => console.attached);
  return { control, console, line, keyboard, modes, said, left, shown: () => shown };
}

test('a terminal is raw until Ctrl-A x, and the VM does not notice', async () => {
  const { console, line, keyboard, modes, left, shown } = await terminal();
  line.output = 'login: ';
  console.outputReady();
  await until(() => shown() === 'login: ');
  keyboard.write('root\x03\x01\x01');
  await until(() => line.typed === 'root\x03\x01');
  expect(modes).toEqual([true]);
  keyboard.write('\x01x');
  await left;
  expect(modes).toEqual([true, false]);
  await until(() => !console.attached);
  await console.close();
});

test('the other keys ask the VM, and help', async () => {
  const { control, console, keyboard, said, left } = await terminal();
  keyboard.write('\x01s');
  await until(() => control.saves.length === 1);
  expect(control.saves[0]?.order).toEqual({ kind: 'snapshot' });
  control.saves[0]?.end(SAVED);
  await until(() => said.length === 1);
  keyboard.write('\x01h');
  await until(() => said.length === 2);
  expect(said).toEqual(['snapshot web-1', expect.stringMatching(/^Ctrl-A x {7}detach; the VM runs on$/m)]);
  await console.close(); // the VM ends
  await left;
});

test('in a pipe every byte is the guest’s, and the end of the input is not the end of the output', async () => {
  const { console, line, keyboard, modes, left, shown } = await terminal(false);
  keyboard.end('\x01x');
  await until(() => line.typed === '\x01x');
  line.output = 'later';
  console.outputReady();
  await until(() => shown() === 'later');
  process.emit('SIGTERM');
  await left;
  expect(modes).toEqual([]);
  await console.close();
});
