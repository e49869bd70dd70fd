// SPDX-License-Identifier: BSD-2-Clause
/** The terminal tsbhyve was started on, in raw mode; or a pipe or file, whose end does not end the guest. */
import type { ReadStream } from 'node:tty';
import { ConsolePump } from './console-pump.js';
import { type EscapeCommand, EscapeKeys } from './escape-keys.js';
import type { GuestLine } from './guest-line.js';
import { PumpedConsole } from './pumped-console.js';

export interface StandardStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export class StdioConsole extends PumpedConsole {
  override readonly place = 'stdio';
  private readonly terminal: ReadStream | null;
  private closed = false;

  private readonly restore = (): void => {
    this.terminal?.setRawMode(false);
  };
  /** A shell that stopped us (SIGTSTP from outside) has put its own modes in place meanwhile. */
  private readonly continued = (): void => {
    this.terminal?.setRawMode(false); // libuv does nothing for a mode that it believes to be in place
    this.terminal?.setRawMode(true);
  };
  /** A reader that went away (EPIPE) unplugs the line; the guest goes on. */
  private readonly unplugged = (): void => this.pump.detach();

  private readonly resized = (): void => {
    const { columns, rows } = this.streams.stdout;
    if (this.streams.stdout.isTTY && columns > 0 && rows > 0) this.line.resized?.(columns, rows);
  };

  constructor(
    private readonly line: GuestLine,
    onCommand: (command: EscapeCommand) => void,
    private readonly streams: StandardStreams = process,
  ) {
    const { stdin, stdout } = streams;
    const keys = new EscapeKeys(onCommand);
    // In a pipe every byte is the guest's.
    super(new ConsolePump(line, stdin.isTTY ? { filter: (bytes) => keys.filter(bytes) } : {}));
    this.terminal = stdin.isTTY ? stdin : null;
    if (this.terminal !== null) {
      process.on('exit', this.restore);
      process.on('SIGCONT', this.continued);
      this.terminal.setRawMode(true);
      stdout.on('resize', this.resized);
      this.resized();
    }
    stdin.on('error', this.unplugged);
    stdout.on('error', this.unplugged);
    this.pump.attach(stdin, stdout);
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.pump.flush();
    this.pump.detach();
    this.streams.stdin.off('error', this.unplugged);
    this.streams.stdout.off('resize', this.resized);
    this.restore();
    process.off('exit', this.restore);
    process.off('SIGCONT', this.continued);
  }
}
