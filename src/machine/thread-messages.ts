// SPDX-License-Identifier: BSD-2-Clause
/** What the main thread and a machine's thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../core/log.js';
import type { ComPort, MachineConfig } from './config.js';
import type { Machine, MachineState } from './machine.js';
import type { StopReason } from './stop.js';

export interface MachineStatus {
  readonly state: MachineState;
  readonly time: bigint;
  readonly instructions: bigint;
}

/** Everything the main thread may ask of a machine, by name. Arguments and results are plain data. */
export const COMMANDS = {
  resume: (machine: Machine) => machine.resume(),
  pause: (machine: Machine) => machine.pause(),
  reset: (machine: Machine) => machine.reset(),
  powerOff: (machine: Machine) => machine.powerOff(),
  pressPowerButton: (machine: Machine) => machine.pressPowerButton(),
  injectNmi: (machine: Machine) => machine.injectNmi(),
  type: (machine: Machine, port: ComPort, bytes: Uint8Array) => machine.type(port, bytes),
  status: ({ state, time, instructions }: Machine): MachineStatus => ({ state, time, instructions }),
};

export type CommandName = keyof typeof COMMANDS;
export type CommandArguments<N extends CommandName> =
  Parameters<(typeof COMMANDS)[N]> extends [Machine, ...infer A] ? A : never;
export type CommandResult<N extends CommandName> = ReturnType<(typeof COMMANDS)[N]>;

export interface Request {
  readonly id: number;
  readonly name: CommandName;
  readonly arguments: readonly unknown[];
}

export type FromMachine =
  | { readonly event: 'ready'; readonly engineId: number }
  /** It could not be built, or broke down. */
  | { readonly event: 'failed'; readonly message: string }
  | { readonly event: 'stopped'; readonly reason: StopReason }
  | { readonly event: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly event: 'refusal'; readonly id: number; readonly message: string }
  /** The console's ring was empty. */
  | { readonly event: 'output'; readonly port: ComPort }
  | { readonly event: 'log'; readonly level: LogLevel; readonly scope: string; readonly message: string };

/** What the thread is started with. */
export interface ThreadData {
  readonly config: MachineConfig;
  readonly port: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly rings: Readonly<Partial<Record<ComPort, SharedArrayBuffer>>>;
}
