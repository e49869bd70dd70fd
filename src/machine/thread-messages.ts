// SPDX-License-Identifier: BSD-2-Clause
/** What the main thread and a machine's thread say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { LogLevel } from '../core/log.js';
import type { TranslatorOptions } from '../hypervisor/translator.js';
import type { ResumeRequest } from '../snapshot/resumed-machine.js';
import { refreshBalloon, setBalloon } from './balloon.js';
import type { ConsoleId, MachineConfig } from './config.js';
import type { LinkMessage } from './frame-links.js';
import { machineStats, readProcessor, type StateGroup } from './inspect.js';
import type { LinkedCards } from './linked-cards.js';
import type { Machine, MachineState } from './machine.js';
import type { StopReason } from './stop.js';
import type { SavedSnapshot, SaveRequest, SaveWatcher, ThreadSaves } from './thread-save.js';
import type { VsockEvent, VsockLinks, VsockRecord } from './vsock-links.js';

export interface MachineStatus {
  readonly state: MachineState;
  readonly time: bigint;
  readonly instructions: bigint;
}

/** What a command works on. */
export interface CommandSubject {
  readonly machine: Machine;
  readonly saves: ThreadSaves;
  readonly cards: LinkedCards;
  readonly vsocks: VsockLinks;
}

/** A command whose answer comes when the save has ended. */
export class Later {
  constructor(readonly begin: (watcher: SaveWatcher) => void) {}
}

/** Everything the main thread may ask of a machine, by name. Arguments and results are plain data. */
export const COMMANDS = {
  resume: ({ saves }: CommandSubject) => saves.hold.resume(),
  pause: ({ saves }: CommandSubject) => saves.hold.pause(),
  reset: ({ machine, saves }: CommandSubject) => {
    saves.cancel('the VM was reset');
    machine.reset();
  },
  powerOff: ({ machine, saves }: CommandSubject) => {
    saves.cancel('the VM was switched off');
    machine.powerOff();
  },
  /** Ends the machine as a guest that resets itself does. */
  powerOffToReset: ({ machine, saves }: CommandSubject) => {
    saves.cancel('the VM was reset');
    machine.powerOff({ kind: 'reset' });
  },
  pressPowerButton: ({ machine }: CommandSubject) => machine.pressPowerButton(),
  injectNmi: ({ machine }: CommandSubject) => machine.injectNmi(),
  type: ({ machine }: CommandSubject, port: ConsoleId, bytes: Uint8Array) => machine.type(port, bytes),
  typeAll: ({ machine }: CommandSubject, port: ConsoleId, bytes: Uint8Array) => machine.typeAll(port, bytes),
  setConsoleOpen: ({ machine }: CommandSubject, port: ConsoleId, isOpen: boolean) =>
    machine.setConsoleOpen(port, isOpen),
  resizeConsole: ({ machine }: CommandSubject, port: ConsoleId, columns: number, rows: number) =>
    machine.resizeConsole(port, columns, rows),
  /** A ring that was full has room. */
  outputRoom: ({ machine }: CommandSubject, port: ConsoleId) =>
    onceRunning(machine, () => machine.parts.board.virtioPorts.get(port)?.roomAgain()),
  /** Frames for a network card. To a machine that stands still they are lost, as on a wire. */
  receiveFrames: ({ machine, cards }: CommandSubject, id: string, frames: readonly Uint8Array[]) => {
    if (machine.state === 'running') cards.receiveFrames(id, frames);
  },
  /** The same with their headers, from a link that has a thread of its own. */
  receivePackets: ({ cards }: CommandSubject, id: string, packets: readonly Uint8Array[]) =>
    cards.receivePackets(id, packets),
  linkDown: ({ cards }: CommandSubject, id: string) => cards.setLink(id, false),
  linkUp: ({ cards }: CommandSubject, id: string) => cards.setLink(id, true),
  /** The windows of the connections bound what waits for a machine that stands still. */
  hearVsock: ({ machine, vsocks }: CommandSubject, id: string, heard: VsockRecord) =>
    onceRunning(machine, () => vsocks.hear(id, heard)),
  /** So many messages of a socket device have been heard. */
  vsockHeard: ({ machine, vsocks }: CommandSubject, id: string, count: number) =>
    onceRunning(machine, () => vsocks.wasHeard(id, count)),
  save: ({ saves }: CommandSubject, request: SaveRequest) => new Later((watcher) => saves.begin(request, watcher)),
  /** False if nothing is being saved. */
  cancelSave: ({ saves }: CommandSubject): boolean => saves.cancel(),
  status: ({ machine: { state, time, instructions } }: CommandSubject): MachineStatus => ({
    state,
    time,
    instructions,
  }),
  processor: ({ machine }: CommandSubject, groups: readonly StateGroup[], vcpu: number) =>
    readProcessor(machine, groups, vcpu),
  stats: ({ machine }: CommandSubject) => machineStats(machine),
  setBalloon: ({ machine }: CommandSubject, bytes: bigint) => setBalloon(machine, Number(bytes)),
  /** False if the guest will not tell anything new. */
  refreshBalloon: ({ machine }: CommandSubject) => refreshBalloon(machine),
};

/** Waits for a machine that stands still to run. */
function onceRunning(machine: Machine, work: () => void): void {
  if (machine.state === 'running') work();
  else machine.beforeRun(work);
}

export type CommandName = keyof typeof COMMANDS;
export type CommandArguments<N extends CommandName> =
  Parameters<(typeof COMMANDS)[N]> extends [CommandSubject, ...infer A] ? A : never;
export type CommandResult<N extends CommandName> =
  ReturnType<(typeof COMMANDS)[N]> extends Later ? SavedSnapshot : ReturnType<(typeof COMMANDS)[N]>;

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
  | { readonly event: 'output'; readonly port: ConsoleId }
  /** The machine has stopped, and these bytes did not fit into the console's ring. */
  | { readonly event: 'rest'; readonly port: ConsoleId; readonly bytes: Uint8Array }
  | LinkMessage
  | VsockEvent
  /** Bytes of memory that are saved, or read before the machine runs, and all. */
  | { readonly event: 'progress'; readonly done: number; readonly total: number }
  | { readonly event: 'log'; readonly level: LogLevel; readonly scope: string; readonly message: string };

/** Where a machine begins: cold, or where a snapshot has it. */
export type MachineOrigin = { readonly config: MachineConfig } | { readonly resume: ResumeRequest };

/** Inputs are written to a new file, or come from one. */
export type InputFile = { readonly record: string } | { readonly replay: string };

/** What the thread is started with. */
export interface ThreadData {
  readonly translator: Partial<TranslatorOptions>;
  readonly inputs: InputFile | null;
  readonly hostCpus: readonly number[];
  readonly origin: MachineOrigin;
  readonly port: MessagePort;
  readonly control: SharedArrayBuffer;
  readonly rings: Readonly<Partial<Record<ConsoleId, SharedArrayBuffer>>>;
}
