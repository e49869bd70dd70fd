// SPDX-License-Identifier: BSD-2-Clause
/** A machine on its own thread, as the command wants to see it. */
import { SinkLogger } from '../core/log.js';
import { COM_PORTS, type ConsoleId } from '../machine/config.js';
import { MachineHost, type MachineHostOptions } from '../machine/machine-host.js';
import type { CommandArguments, CommandName, CommandResult } from '../machine/thread-messages.js';
import type { SavedSnapshot } from '../machine/thread-save.js';
import { checkStore } from './sandbox.js';
import type { Settings } from './settings.js';
import type { OpenVm, Vm, VmEvents, VmSaveOrder } from './vm.js';
import { VmLine } from './vm-line.js';

export const openVm: OpenVm = (settings) => new ThreadedVm(settings);

/** The machine cannot be built, or not with what its files hold. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

class ThreadedVm implements Vm {
  private readonly lines: ReadonlyMap<ConsoleId, VmLine>;
  private host: MachineHost | null = null;
  private events: VmEvents | null = null;
  private unplugged = false;
  private isPaused = false;
  private onProgress: (done: number, total: number) => void = () => {};

  constructor(private readonly settings: Settings) {
    const ports = new Set<ConsoleId>([...COM_PORTS, ...settings.consoles.keys()]);
    this.lines = new Map([...ports].map((port) => [port, this.newLine(port)]));
  }

  line(port: ConsoleId): VmLine {
    const line = this.lines.get(port);
    if (line === undefined) throw new RangeError(`there is no ${port}`);
    return line;
  }

  async build(events: VmEvents): Promise<void> {
    this.events = events;
    this.onProgress = (done, total) => events.loading(done, total);
    const outputs = [...this.settings.consoles.keys()].map((port) => {
      const line = this.line(port);
      return [port, (bytes: Uint8Array) => line.receive(bytes)] as const;
    });
    this.host = await this.startThread(Object.fromEntries(outputs), events);
  }

  async run(): Promise<void> {
    if (this.unplugged) return;
    try {
      await this.host?.call('resume');
    } catch (cause) {
      throw new StartError((cause as Error).message, { cause });
    }
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.isPaused === paused) return;
    this.isPaused = paused;
    try {
      await this.machine().call(paused ? 'pause' : 'resume');
    } catch (error) {
      this.isPaused = !paused;
      throw error;
    }
  }

  async ask<N extends CommandName>(name: N, ...given: CommandArguments<N>): Promise<CommandResult<N>> {
    return this.machine().call(name, ...given);
  }

  pressPowerButton(): void {
    this.tell(async (host) => this.events?.powerButton(await host.call('pressPowerButton')));
  }

  async save(order: VmSaveOrder, onProgress: (done: number, total: number) => void): Promise<SavedSnapshot> {
    const machine = this.machine();
    if (order.store !== undefined) checkStore(this.settings, order.store);
    this.onProgress = onProgress;
    await Promise.all([...this.lines.values()].map((line) => line.inputSettled()));
    return machine.call('save', { store: this.settings.store, ...order });
  }

  async cancelSave(): Promise<boolean> {
    // A VM that ends meanwhile has nothing left to cancel.
    return (await this.host?.call('cancelSave').catch(() => false)) ?? false;
  }

  powerOff(): void {
    this.unplugged = true;
    this.tell((host) => host.call('powerOff'));
  }

  async close(): Promise<void> {
    await this.host?.close();
  }

  private async startThread(outputs: MachineHostOptions['outputs'], events: VmEvents): Promise<MachineHost> {
    const { machine, resume, inputs, hostCpus, translator } = this.settings;
    const options: MachineHostOptions = {
      ...(outputs !== undefined && { outputs }),
      ...(inputs !== undefined && { inputs }),
      ...(hostCpus !== undefined && { hostCpus }),
      translator,
      log: new SinkLogger(events.log),
      onStopped: (reason) => events.stopped(reason),
      onProgress: (done, total) => this.onProgress(done, total),
    };
    try {
      return await (resume === undefined ? MachineHost.start(machine, options) : MachineHost.resume(resume, options));
    } catch (cause) {
      // Only the message comes over from the other thread.
      throw new StartError((cause as Error).message, { cause });
    }
  }

  private newLine(port: ConsoleId): VmLine {
    return new VmLine({
      type: (bytes) => this.host?.call('type', port, bytes) ?? Promise.resolve(0),
      typeAll: async (bytes) => this.host?.call('typeAll', port, bytes),
      attached: (isAttached) => this.tell((host) => host.call('setConsoleOpen', port, isAttached)),
      resized: (columns, rows) => this.tell((host) => host.call('resizeConsole', port, columns, rows)),
      inputRoom: () => this.events?.inputRoom(port),
      outputReady: () => this.events?.outputReady(port),
      hold: (held) => this.host?.holdOutput(port, held),
    });
  }

  private machine(): MachineHost {
    if (this.host === null) throw new Error('there is no VM yet');
    return this.host;
  }

  /** A machine that has stopped meanwhile refuses, and its end is on its way as an event. */
  private tell(work: (host: MachineHost) => Promise<unknown>): void {
    if (this.host !== null) work(this.host).catch(() => {});
  }
}
