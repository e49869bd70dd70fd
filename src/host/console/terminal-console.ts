// SPDX-License-Identifier: BSD-2-Clause
/** `pty`, a new pseudo-terminal; and `/dev/...`, a serial port or terminal that the host has. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { HostError, systemReason } from '../host-error.js';
import { ConsolePump } from './console-pump.js';
import type { ConsoleBackend, GuestLine } from './guest-line.js';
import { makeRaw, openPtyMaster } from './libc-terminal.js';

const OPEN_FLAGS = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;

class TerminalConsole implements ConsoleBackend {
  private readonly pump: ConsolePump;
  private closed = false;

  constructor(
    readonly place: string,
    line: GuestLine,
    private readonly stream: ReadStream,
    private readonly giveBack: () => void,
  ) {
    this.pump = new ConsolePump(line, { dropWhenSlow: true });
    stream.on('error', () => this.pump.detach()); // the device was unplugged
    this.pump.attach(stream, stream);
  }

  outputReady(): void {
    this.pump.outputReady();
  }

  inputRoom(): void {
    this.pump.inputRoom();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pump.outputReady();
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
  return new TerminalConsole(path, line, new ReadStream(master), () => closeSync(held));
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
  return new TerminalConsole(path, line, stream, () => stream.setRawMode(false));
}
