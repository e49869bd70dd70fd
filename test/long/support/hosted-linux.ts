// SPDX-License-Identifier: BSD-2-Clause
/** A Linux guest on a thread of its own, so that a test can be its network meanwhile. The thread runs the compiled sources. */

import type { Guest } from '../../../scripts/quickstart/guest.js';
import { PROMPT } from '../../../scripts/quickstart/initramfs.js';
import { type ConsoleId, type MachineConfig, machineConfig } from '../../../src/machine/config.js';
import { MachineHost, type MachineHostOptions, type OutputReceiver } from '../../../src/machine/machine-host.js';
import type { Identity } from '../../../src/snapshot/restoration.js';

const MIB = 1024 * 1024;
/** The shell asks the terminal where the cursor is, at each prompt. */
const ASK_CURSOR = '\x1b[6n';
/** Quotes keep it out of the echo of the command. */
const TYPED_MARK = 'AN""SWER';
const MARK = 'ANSWER\n';

export class HostedLinux {
  private text = '';
  private look: () => void = () => {};
  private machine: MachineHost | null = null;

  /** `others` take what it writes on consoles beside its first. */
  private constructor(private readonly others: Readonly<Partial<Record<ConsoleId, OutputReceiver>>>) {}

  /** At the first prompt. */
  static async boot(
    { kernel, initrd }: Guest,
    config: Partial<MachineConfig>,
    others: Readonly<Partial<Record<ConsoleId, OutputReceiver>>> = {},
  ): Promise<HostedLinux> {
    const linux = new HostedLinux(others);
    const boot = { kernel, initrd, commandLine: 'console=ttyS0' };
    linux.machine = await MachineHost.start(machineConfig({ memory: 128 * MIB, boot, ...config }), linux.options);
    await linux.host.call('resume');
    await linux.untilPrompt();
    return linux;
  }

  get host(): MachineHost {
    if (this.machine === null) throw new Error('the machine is suspended');
    return this.machine;
  }

  /** The lines that a command prints, without its echo. */
  async ask(command: string): Promise<string[]> {
    this.type(command);
    return this.answer();
  }

  /** Has a command run; `answer` tells what it prints. */
  type(command: string): void {
    const text = `echo ${TYPED_MARK}; ${command}\n`;
    void this.host.call('typeAll', 'com1', new TextEncoder().encode(text));
  }

  async answer(): Promise<string[]> {
    const all = await this.untilPrompt();
    const text = all.slice(all.indexOf(MARK) + MARK.length).trimEnd();
    return text === '' ? [] : text.split('\n');
  }

  /** Suspends it and goes on in another thread, as in another process. */
  async moveOn(store: string, identity?: Identity): Promise<void> {
    const { name } = await this.host.call('save', { kind: 'suspend', store });
    await this.host.close();
    this.machine = null;
    const request = { store, name, keep: true, overrides: {}, ...(identity !== undefined && { identity }) };
    this.machine = await MachineHost.resume(request, this.options);
    await this.host.call('resume');
  }

  async close(): Promise<void> {
    await this.machine?.close();
  }

  private get options(): MachineHostOptions {
    return { outputs: { ...this.others, com1: (bytes) => this.receive(bytes) } };
  }

  private receive(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1');
    this.look();
  }

  private async untilPrompt(): Promise<string> {
    for (;;) {
      const at = this.text.indexOf(PROMPT);
      if (at >= 0) {
        const before = this.text.slice(0, at);
        this.text = this.text.slice(at + PROMPT.length);
        return before.replaceAll('\r', '').replaceAll(ASK_CURSOR, '');
      }
      await new Promise<void>((resolve) => {
        this.look = resolve;
      });
    }
  }
}
