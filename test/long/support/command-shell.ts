// SPDX-License-Identifier: BSD-2-Clause
/** The shell of a small Linux, whoever carries its console: the command itself, or a client of a detached console. */
import { PROMPT } from '../../../scripts/quickstart/initramfs.js';
import type { Run } from '../../cli/support/run.js';

export class CommandShell {
  private read = 0;

  constructor(private readonly carrier: Run) {}

  /** What came before the next prompt. */
  async answer(): Promise<string> {
    const { carrier } = this;
    await carrier.until(() => carrier.out.includes(PROMPT, this.read));
    const end = carrier.out.indexOf(PROMPT, this.read);
    const text = carrier.out.slice(this.read, end).replaceAll('\r', '');
    this.read = end + PROMPT.length;
    return text;
  }

  ask(command: string): Promise<string> {
    this.carrier.type(`${command}\n`);
    return this.answer();
  }
}
