#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
/** The tsbhyvectl command. */
import { ProgressLine } from '../progress-line.js';
import { ctl } from './ctl-command.js';

process.title = 'tsbhyvectl';
process.stdout.on('error', () => process.exit(1)); // nobody reads any more

let progress: ProgressLine | null = null;
const isRaw = (): boolean => process.stdin.isTTY && process.stdin.isRaw;
const say = (text: string): void => {
  const lines = text.split('\n').map((line) => `tsbhyvectl: ${line}`);
  process.stderr.write(isRaw() ? `\r\n${lines.join('\r\n')}\r\n` : `${lines.join('\n')}\n`);
};
const show = (text: string): void => void process.stderr.write(`\r\x1b[K${text}`);

const status = await ctl(process.argv.slice(2), {
  print: (text) => process.stdout.write(text),
  say,
  complain: say,
  progress: (done, total) => {
    if (!process.stderr.isTTY) return;
    progress ??= new ProgressLine(show, () => performance.now());
    progress.update(done, total);
  },
  progressEnds: () => {
    if (progress !== null) show('');
    progress = null;
  },
});
// Standard input may still be open, and would keep the process; what was written must get out before it ends.
await new Promise((resolve) => process.stdout.write('', resolve));
process.exit(status);
