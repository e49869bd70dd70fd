// SPDX-License-Identifier: BSD-2-Clause
/** `pty`, a new pseudo-terminal; and `/dev/...`, a serial port or terminal that the host has. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { HostError, systemReason } from '../host-error.js';
import { ConsolePump } from './console-pump.js';
import type { ConsoleBackend, GuestLine } from './guest-line.js';
import { makeRaw, openPtyMaster } from './libc-terminal.js';
import { NonblockingWriter } from './nonblocking-writer.js';
import { PumpedConsole } from './pumped-console.js';

const OPEN_FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

/** How long a reader has to take the rest of the output when the VM ends. */
const LAST_WORDS_MS = 200;

class TerminalConsole extends PumpedConsole {
  private closed = false;

  constructor(
    override readonly place: string,
    line: GuestLine,
    private readonly stream: ReadStream,
    output: Writable,
    private readonly giveBack: () => void,
  ) {
    super(new ConsolePump(line, { dropWhenSlow: true }));
    const unplugged = (): void => this.pump.detach();
    stream.on('error', unplugged);
    output.on('error', unplugged);
    this.pump.attach(stream, output);
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.pump.flush(LAST_WORDS_MS);
    this.pump.detach();
    this.giveBack();
    this.stream.destroy();
  }
}

export function openPtyConsole(line: GuestLine): ConsoleBackend {
  const { master, path } = openPtyMaster();
  // Held open for as long as the VM lives: without any user of the other side, reading the master is an error.
  const held = openSync(path, OPEN_FLAGS);
  makeRaw(held);
  // libuv would write to a master with blocking calls, and with no reader block this thread for ever.
  const writer = new NonblockingWriter(master);
  return new TerminalConsole(path, line, new ReadStream(master), writer, () => {
    writer.destroy();
    closeSync(held);
  });
}

export function openDeviceConsole(path: string, line: GuestLine): ConsoleBackend {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FLAGS);
  } catch (cause) {
    throw new HostError(path, `cannot open it: ${systemReason(cause)}`, { cause });
  }
  let stream: ReadStream;
  try {
    stream = new ReadStream(fd);
  } catch (cause) {
    const kind = fstatSync(fd).isFile() ? 'a file' : 'some other device';
    closeSync(fd);
    throw new HostError(path, `${kind}; a serial port or terminal is accepted`, { cause });
  }
  stream.setRawMode(true);
  return new TerminalConsole(path, line, stream, stream, () => stream.setRawMode(false));
}
