// SPDX-License-Identifier: BSD-2-Clause
/** The keys tsbhyve keeps for itself on its terminal: Ctrl-A and a letter. Everything else belongs to the guest. */
const CTRL_A = 0x01;

export type EscapeCommand = 'cancel' | 'exit' | 'help' | 'snapshot' | 'suspend' | 'unknown';

const COMMANDS: ReadonlyMap<number, EscapeCommand> = new Map([
  [0x63, 'cancel'], // c
  [0x78, 'exit'], // x
  [0x68, 'help'], // h
  [0x3f, 'help'], // ?
  [0x73, 'snapshot'], // s
  [0x7a, 'suspend'], // z
]);

export const ESCAPE_HELP = `\
Ctrl-A s       take a snapshot
Ctrl-A z       suspend: save the VM and end; -r goes on with it
Ctrl-A c       cancel a suspend or snapshot that is on its way
Ctrl-A x       switch the VM off at once
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest`;

export class EscapeKeys {
  private armed = false;

  constructor(private readonly onCommand: (command: EscapeCommand) => void) {}

  /** Returns what is for the guest. A Ctrl-A that ends one chunk escapes the first byte of the next. */
  filter(bytes: Uint8Array): Uint8Array {
    if (!this.armed && !bytes.includes(CTRL_A)) return bytes;
    const passed: number[] = [];
    for (const byte of bytes) {
      if (this.armed) {
        this.armed = false;
        if (byte === CTRL_A) passed.push(byte);
        else this.onCommand(COMMANDS.get(byte) ?? 'unknown');
      } else if (byte === CTRL_A) {
        this.armed = true;
      } else {
        passed.push(byte);
      }
    }
    return Uint8Array.from(passed);
  }
}
