// SPDX-License-Identifier: BSD-2-Clause
/** A machine on a thread of its own, seen from the main thread. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { type Logger, nullLogger } from '../core/log.js';
import { wakeEngine } from '../hypervisor/native.js';
import type { TranslatorOptions } from '../hypervisor/translator.js';
import type { ResumeRequest } from '../snapshot/resumed-machine.js';
import type { ConsoleId, MachineConfig } from './config.js';
import { ConsoleRing, consoleRingMemory } from './console-ring.js';
import { HostLinks } from './host-links.js';
import { HostVsocks } from './host-vsocks.js';
import { takeWorker } from './machine-workers.js';
import type { StopReason } from './stop.js';
import { ThreadControl } from './thread-control.js';
import type {
  CommandArguments,
  CommandName,
  CommandResult,
  FromMachine,
  InputFile,
  MachineOrigin,
  Request,
  ThreadData,
} from './thread-messages.js';
import { recordOf } from './vsock-links.js';

/** Takes what a guest writes on a console; the bytes are the receiver's. */
export type OutputReceiver = (bytes: Uint8Array) => void;

export interface MachineHostOptions {
  readonly outputs?: Readonly<Partial<Record<ConsoleId, OutputReceiver>>>;
  readonly log?: Logger;
  /** Virtual clock: inputs are recorded, or come from a recording. */
  readonly inputs?: InputFile;
  /** By vCPU: the host's CPU that it stays on, or -1. */
  readonly hostCpus?: readonly number[];
  /** soft; `TRANSLATOR_DEFAULT` where something is not given. */
  readonly translator?: Partial<TranslatorOptions>;
  readonly onStopped?: (reason: StopReason) => void;
  /** While the machine is saved, and while memory is read before it runs: bytes that are done, and all. */
  readonly onProgress?: (done: number, total: number) => void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Output {
  readonly ring: ConsoleRing;
  readonly receive: OutputReceiver;
  isHeld: boolean;
}

/** Threads that a process exit must not wait for: a thread inside native code cannot be ended from outside. */
const running = new Set<MachineHost>();
let watchesExit = false;

export class MachineHost {
  private readonly control = new ThreadControl();
  private readonly outputs = new Map<ConsoleId, Output>();
  private readonly requests = new Map<number, Waiting>();
  private readonly port: MessagePort;
  private readonly worker: Worker;
  private readonly ready: Promise<void>;
  private readonly ended: Promise<void>;
  private readonly links = new HostLinks({
    receive: (id, frames) => this.call('receiveFrames', id, frames),
    linkDown: (id) => void this.call('linkDown', id).catch(() => {}), // a machine that has ended needs no link
    linkUp: (id) => void this.call('linkUp', id).catch(() => {}),
    warn: (message) => (this.options.log ?? nullLogger).scoped('net').warn(message),
  });
  private readonly vsocks = new HostVsocks({
    send: (id, message) => void this.call('hearVsock', id, recordOf(message)).catch(() => {}),
    heard: (id, count) => void this.call('vsockHeard', id, count).catch(() => {}),
  });
  private readiness: Waiting | undefined;
  private engineId = 0;
  private nextRequest = 1;

  private constructor(
    origin: MachineOrigin,
    private readonly options: MachineHostOptions,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const rings: Partial<Record<ConsoleId, SharedArrayBuffer>> = {};
    for (const [port, receive] of Object.entries(options.outputs ?? {}) as [ConsoleId, OutputReceiver][]) {
      const memory = consoleRingMemory();
      rings[port] = memory;
      this.outputs.set(port, { ring: new ConsoleRing(memory), receive, isHeld: false });
    }
    const inputs = options.inputs ?? null;
    const { hostCpus = [], translator = {} } = options;
    const processors = { hostCpus, translator };
    const data: ThreadData = { origin, port: port2, control: this.control.memory, rings, inputs, ...processors };
    this.ready = new Promise<void>((resolve, reject) => {
      this.readiness = { resolve: () => resolve(), reject };
    });
    this.worker = takeWorker();
    this.worker.postMessage(data, [port2]);
    this.worker.on('error', (error) => this.failed(error.message));
    this.ended = new Promise((resolve) => {
      this.worker.on('exit', () => {
        this.finish();
        resolve();
      });
    });
    port1.on('message', (message: FromMachine) => this.receive(message));
    running.add(this);
    watchExit();
  }

  /** Builds and powers on a machine, not yet running. */
  static async start(config: MachineConfig, options: MachineHostOptions = {}): Promise<MachineHost> {
    return MachineHost.open({ config }, options);
  }

  /** A machine where a snapshot has it, not yet running. */
  static async resume(request: ResumeRequest, options: MachineHostOptions = {}): Promise<MachineHost> {
    return MachineHost.open({ resume: request }, options);
  }

  private static async open(origin: MachineOrigin, options: MachineHostOptions): Promise<MachineHost> {
    const host = new MachineHost(origin, options);
    await host.ready;
    try {
      await Promise.all([host.links.connected(), host.vsocks.connected()]);
    } catch (error) {
      await host.close();
      throw error;
    }
    return host;
  }

  /** Asks the machine's thread to do something and answers with its result. */
  call<N extends CommandName>(name: N, ...given: CommandArguments<N>): Promise<CommandResult<N>> {
    const id = this.nextRequest++;
    const request: Request = { id, name, arguments: given };
    return new Promise((resolve, reject) => {
      if (this.control.isStopped) throw new Error(`cannot ask for ${name}: the machine is closed`);
      this.requests.set(id, { resolve: resolve as (result: unknown) => void, reject }); // COMMANDS types the result
      this.port.postMessage(request);
      this.wake();
    });
  }

  /**
   * Leaves what a console writes where it is. Then its ring fills up; a port of a virtio console has its guest wait then, a
   * serial port loses bytes, and under the virtual clock the machine waits.
   */
  holdOutput(port: ConsoleId, isHeld: boolean): void {
    const output = this.outputs.get(port);
    if (output === undefined || output.isHeld === isHeld) return;
    output.isHeld = isHeld;
    if (!isHeld) queueMicrotask(() => this.drain()); // whoever lets go of it may be about to use what came before
  }

  /** Ends the thread and releases everything. Allowed in every state, and twice. */
  async close(): Promise<void> {
    this.stop();
    await this.ended;
  }

  /** Lets the process end although the machine still runs. */
  unref(): void {
    this.worker.unref();
    this.port.unref();
  }

  /** Tells the thread to end, without waiting for it. */
  stop(): void {
    this.links.close();
    this.vsocks.close();
    this.control.stop();
    this.wake();
  }

  private wake(): void {
    if (this.engineId !== 0) wakeEngine(this.engineId);
  }

  private receive(message: FromMachine): void {
    switch (message.event) {
      case 'ready':
        this.engineId = message.engineId;
        this.wake(); // for what was asked before there was anything to wake
        this.readiness?.resolve(undefined);
        break;
      case 'failed':
        this.failed(message.message);
        break;
      case 'rest':
        this.drainAll();
        this.outputs.get(message.port)?.receive(message.bytes);
        break;
      case 'stopped':
        this.drainAll();
        this.options.onStopped?.(message.reason);
        break;
      case 'answer':
        this.settle(message.id)?.resolve(message.result);
        break;
      case 'refusal':
        this.settle(message.id)?.reject(new Error(message.message));
        break;
      case 'link':
        this.links.open(message, message.unsent);
        break;
      case 'frame':
        this.links.send(message.id, message.bytes);
        break;
      case 'vsock-open':
        this.vsocks.open(message.id, message.path);
        break;
      case 'vsock':
        this.vsocks.hear(message.id, message.message);
        break;
      case 'output':
        this.drain();
        break;
      case 'progress':
        this.options.onProgress?.(message.done, message.total);
        break;
      case 'log':
        (this.options.log ?? nullLogger).scoped(message.scope)[message.level](message.message);
        break;
    }
  }

  /** The thread's end may be told before its last words have been delivered. */
  private receivePending(): void {
    for (;;) {
      const pending = receiveMessageOnPort(this.port);
      if (pending === undefined) return;
      this.receive(pending.message as FromMachine); // the other end is our machine thread
    }
  }

  private settle(id: number): Waiting | undefined {
    const waiting = this.requests.get(id);
    this.requests.delete(id);
    return waiting;
  }

  private drain(): void {
    for (const [port, output] of this.outputs) {
      let isTaken = false;
      while (!output.isHeld && take(output)) isTaken = true;
      if (isTaken && output.ring.takeQuestion()) void this.call('outputRoom', port).catch(() => {});
    }
  }

  /** The machine will write no more. */
  private drainAll(): void {
    for (const output of this.outputs.values()) while (take(output));
  }

  private failed(message: string): void {
    this.drainAll();
    if (this.engineId === 0) this.readiness?.reject(new Error(message));
    else this.options.onStopped?.({ kind: 'error', message });
  }

  private finish(): void {
    running.delete(this);
    this.control.stop(); // a thread that broke down has not been asked to end, and answers no more
    this.links.close();
    this.vsocks.close();
    this.receivePending();
    this.drainAll();
    this.port.close();
    this.readiness?.reject(new Error('the machine was closed before it was ready'));
    for (const waiting of this.requests.values()) waiting.reject(new Error('the machine was closed'));
    this.requests.clear();
  }
}

/** False if there was nothing. */
function take({ ring, receive }: Output): boolean {
  const bytes = ring.take();
  if (bytes.length > 0) receive(bytes);
  return bytes.length > 0;
}

function watchExit(): void {
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const host of running) host.stop();
  });
}
