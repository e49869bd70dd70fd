// SPDX-License-Identifier: BSD-2-Clause
/** A running Linux guest at whose console a test types, through saves and restores. */

import { PROMPT } from '../../../scripts/quickstart/initramfs.js';
import type { BuildOptions } from '../../../src/machine/build.js';
import type { Machine } from '../../../src/machine/machine.js';

/** The shell asks the terminal where the cursor is, at each prompt. */
const ASK_CURSOR = '\x1b[6n';
const IDLE_MS = 1;
/** Under the virtual clock an idle guest may sleep for an hour in a moment, so the text is looked at in steps of VM time. */
const STEP = 10_000_000n;
/** Quotes keep it out of the echo of the command. */
const TYPED_MARK = 'AN""SWER';
const MARK = 'ANSWER\n';

export class LinuxConsole {
  private text = '';
  private readonly nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

  /** The part of a machine's options that leads here. */
  readonly host: BuildOptions = {
    outputs: { com1: { write: (byte) => this.receive(byte) } },
  };

  /** Runs to the next prompt and answers what came before it. */
  untilPrompt(machine: Machine): string {
    for (let at = this.text.indexOf(PROMPT); ; at = this.text.indexOf(PROMPT)) {
      if (at >= 0) {
        const before = this.text.slice(0, at);
        this.text = this.text.slice(at + PROMPT.length);
        return before.replaceAll('\r', '').replaceAll(ASK_CURSOR, '');
      }
      const end = machine.runSlice(machine.time + STEP);
      if (end === 'stopped') throw new Error(`the guest ended before its prompt: ${this.text}`);
      if (end === 'idle') Atomics.wait(this.nobodyWakes, 0, 0, IDLE_MS);
    }
  }

  /** The lines that a command prints, without its echo. */
  ask(machine: Machine, command: string): string[] {
    machine.type('com1', new TextEncoder().encode(`echo ${TYPED_MARK}; ${command}\n`));
    const answer = this.untilPrompt(machine);
    const text = answer.slice(answer.indexOf(MARK) + MARK.length).trimEnd();
    return text === '' ? [] : text.split('\n');
  }

  private receive(byte: number): void {
    this.text += String.fromCharCode(byte);
  }
}
