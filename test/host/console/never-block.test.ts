// SPDX-License-Identifier: BSD-2-Clause
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { ReadStream } from 'node:tty';
import { openPtyMaster } from '../../../src/host/console/libc-terminal.js';
import { neverBlock } from '../../../src/host/console/never-block.js';

/** More than terminals keep. */
const LENGTH = 1_000_000;

const PROGRAM = `
  import { neverBlock } from ${JSON.stringify(resolve('dist/src/host/console/never-block.js'))};
  neverBlock(process.stdout);
  process.stdout.write('x'.repeat(${LENGTH}));
  process.send('goes on');
`;

let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill('SIGKILL');
});

test('a program goes on while nobody reads its terminal, and all comes out once somebody does', async () => {
  const pty = openPtyMaster();
  const held = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
  child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['ignore', held, 'inherit', 'ipc'],
  });
  expect(await once(child, 'message')).toEqual(['goes on', undefined]);
  const window = new ReadStream(pty.master);
  let shown = 0;
  await new Promise<void>((done) => {
    window.on('data', (bytes) => {
      shown += bytes.length;
      if (shown >= LENGTH) done();
    });
  });
  expect(shown).toBe(LENGTH);
  window.destroy();
  closeSync(held);
});

test('pipes and files stay as they are, and so does a terminal without a handle', () => {
  const calls: boolean[] = [];
  const handle = { setBlocking: (blocks: boolean) => void calls.push(blocks) };
  neverBlock({ isTTY: false, _handle: handle });
  neverBlock({ isTTY: true, _handle: null });
  neverBlock({ isTTY: true, _handle: {} });
  expect(calls).toEqual([]);
  neverBlock({ isTTY: true, _handle: handle });
  expect(calls).toEqual([false]);
});
