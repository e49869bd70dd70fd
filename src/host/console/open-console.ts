// SPDX-License-Identifier: BSD-2-Clause
/** The back end of a serial port from the words after `-l com1,`. */
import { HostError } from '../host-error.js';
import type { EscapeCommand } from './escape-keys.js';
import type { ConsoleBackend, GuestLine } from './guest-line.js';
import { StdioConsole } from './stdio-console.js';

const ACCEPTED = 'stdio, detached, none, pty, tcp=ADDRESS:PORT, unix=PATH and /dev/NAME';

/**
 * `onCommand` hears the escape keys of the terminal. The rarer back ends are loaded only when they are asked for. Words
 * that name no place, `detached` and `none`, are the command's own business.
 */
export async function openConsole(
  path: string,
  line: GuestLine,
  onCommand: (command: EscapeCommand) => void,
): Promise<ConsoleBackend> {
  if (path === 'stdio') return new StdioConsole(line, onCommand);
  if (path === 'pty') return (await import('./terminal-console.js')).openPtyConsole(line);
  if (path.startsWith('/dev/')) return (await import('./terminal-console.js')).openDeviceConsole(path, line);
  const [kind, rest] = split(path);
  if (kind === 'tcp') return (await import('./tcp-console.js')).openTcpConsole(rest, line);
  if (kind === 'unix') return (await import('./unix-console.js')).openUnixConsole(rest, line);
  throw new HostError(path, `unknown back end; accepted are ${ACCEPTED}`);
}

function split(path: string): [string, string] {
  const equals = path.indexOf('=');
  return equals < 0 ? [path, ''] : [path.slice(0, equals), path.slice(equals + 1)];
}
