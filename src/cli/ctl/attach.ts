// SPDX-License-Identifier: BSD-2-Clause
/** `tsbhyvectl console`: the terminal becomes the VM's serial line until Ctrl-A x. */
import { connect, type Socket } from 'node:net';
import { type EscapeCommand, EscapeKeys } from '../../host/console/escape-keys.js';
import type { StandardStreams } from '../../host/console/stdio-console.js';
import type { ConsoleInfo } from '../control/subject.js';
import type { ControlClient } from './control-client.js';
import { CtlError } from './ctl-error.js';

export const ATTACH_HELP = `\
Ctrl-A x       detach; the VM runs on
Ctrl-A s       take a snapshot
Ctrl-A z       suspend: save the VM and end it
Ctrl-A c       cancel a suspend or snapshot that is on its way
Ctrl-A h       this help
Ctrl-A Ctrl-A  send Ctrl-A to the guest`;

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface AttachOptions {
  readonly streams?: StandardStreams;
  /** Says something about the VM, in a terminal that may be raw. */
  readonly say: (text: string) => void;
}

/** Resolves when the person has left or the VM has ended. */
export async function attach(client: ControlClient, { streams = process, say }: AttachOptions): Promise<void> {
  const socket = await connected(client.vm, await detachedSocket(client));
  const keys = new EscapeKeys((command) => obey(command, client, socket, say));
  const { stdin, stdout } = streams;
  const terminal = stdin.isTTY ? stdin : null;
  const leave = (): void => void socket.end();
  for (const signal of INTERRUPTS) process.on(signal, leave);
  terminal?.setRawMode(true);
  try {
    await relay(socket, streams, (bytes) => (terminal === null ? bytes : keys.filter(bytes)));
  } finally {
    terminal?.setRawMode(false);
    stdin.pause();
    for (const signal of INTERRUPTS) process.off(signal, leave);
    if (terminal !== null) stdout.write('\r\n');
  }
}

async function detachedSocket(client: ControlClient): Promise<string> {
  const { consoles } = await client.ask<{ consoles: readonly ConsoleInfo[] }>('GET', '/consoles');
  const detached = consoles.find(({ socket }) => socket !== null);
  if (detached?.socket == null) {
    const places = consoles.map(({ port, place }) => `${port} is ${place}`).join(', ');
    throw new CtlError(
      `${client.vm}: only a detached console can be attached to (-l com1,detached); ${places || 'it has no console'}`,
    );
  }
  if (detached.attached) throw new CtlError(`${client.vm}: somebody is attached to ${detached.port} already`);
  return detached.socket;
}

function connected(vm: string, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause) => {
      reject(new CtlError(`${vm}: cannot attach to its console: ${cause.message}`, { cause }));
    });
  });
}

/** Both ways at the pace of the slower side. The end of a pipe's input is not the end of the output. */
function relay(
  socket: Socket,
  { stdin, stdout }: StandardStreams,
  filter: (bytes: Uint8Array) => Uint8Array,
): Promise<void> {
  return new Promise((resolve) => {
    const input = (bytes: Buffer): void => {
      const passed = filter(bytes);
      if (passed.length > 0 && socket.writable && !socket.write(passed)) stdin.pause();
    };
    socket.on('drain', () => stdin.resume());
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (stdout.write(bytes)) return;
      socket.pause();
      stdout.once('drain', () => socket.resume());
    });
    stdout.on('error', () => socket.end()); // nobody reads any more
    socket.once('close', () => {
      stdin.off('data', input);
      resolve();
    });
    stdin.on('data', input);
  });
}

function obey(command: EscapeCommand, client: ControlClient, socket: Socket, say: (text: string) => void): void {
  switch (command) {
    case 'exit':
      socket.end();
      break;
    case 'help':
      say(ATTACH_HELP);
      break;
    case 'snapshot':
    case 'suspend':
      client.save(`/${command}`, {}).then(
        ({ name }) => say(command === 'suspend' ? `suspended as ${name}` : `snapshot ${name}`),
        (error: Error) => say(error.message),
      );
      break;
    case 'cancel':
      client.ask<{ cancelled: boolean }>('POST', '/cancel').then(
        ({ cancelled }) => {
          if (!cancelled) say('nothing is being saved');
        },
        (error: Error) => say(error.message),
      );
      break;
    default:
      say('Ctrl-A h lists the keys');
  }
}
