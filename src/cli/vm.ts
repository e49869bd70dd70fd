// SPDX-License-Identifier: BSD-2-Clause
/** What the command needs of a VM that runs on a thread of its own; all of it is called on the main thread. */
import type { LogSink } from '../core/log.js';
import type { GuestLine } from '../host/console/guest-line.js';
import type { ConsoleId } from '../machine/config.js';
import type { StopReason } from '../machine/stop.js';
import type { CommandArguments, CommandName, CommandResult } from '../machine/thread-messages.js';
import type { SavedSnapshot, SaveOrder, SaveRequest } from '../machine/thread-save.js';
import type { Settings } from './settings.js';

export interface VmEvents {
  /** Before the VM runs: bytes of its memory that have been read, and all. */
  loading(done: number, total: number): void;
  outputReady(port: ConsoleId): void;
  inputRoom(port: ConsoleId): void;
  /** The answer to `pressPowerButton`. */
  powerButton(guestListens: boolean): void;
  /** The last event. */
  stopped(reason: StopReason): void;
  readonly log: LogSink;
}

export interface VmConsole extends GuestLine {
  /** Types all that is on its way and then `rest`, even to a guest that has not read for long. Offer nothing meanwhile. */
  finishInput(rest: Uint8Array): Promise<void>;
}
/** What is saved, how, and where if not in the store of this VM. */
export type VmSaveOrder = SaveOrder & Partial<Pick<SaveRequest, 'store'>>;

export interface Vm {
  line(port: ConsoleId): VmConsole;
  /** Builds the machine; rejects with what is wrong with its parts. */
  build(events: VmEvents): Promise<void>;
  /** Lets it run. */
  run(): Promise<void>;
  pressPowerButton(): void;
  /** Stops the guest, or lets it run. Twice is as good as once. */
  setPaused(paused: boolean): Promise<void>;
  /** Asks the machine itself; rejects with its reason when it refuses. */
  ask<N extends CommandName>(name: N, ...given: CommandArguments<N>): Promise<CommandResult<N>>;
  /** A suspended VM stops afterwards, any other goes on, and so does one that cannot be saved. */
  save(order: VmSaveOrder, onProgress: (done: number, total: number) => void): Promise<SavedSnapshot>;
  /** Ends a save that is on its way: nothing of it is left, and the guest goes on. False if there is none. */
  cancelSave(): Promise<boolean>;
  /** Pulls the plug; `stopped` follows. */
  powerOff(): void;
  /** Ends the thread. Allowed at any time. */
  close(): Promise<void>;
}

export type OpenVm = (settings: Settings) => Vm;
