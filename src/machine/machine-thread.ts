// SPDX-License-Identifier: BSD-2-Clause
/**
 * The machine's thread: a synchronous loop that runs the machine, answers the main thread and sleeps when there is nothing
 * to do. It goes back to its event loop now and then, because only there can Node end a thread for certain.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { type Logger, SinkLogger } from '../core/log.js';
import { collectGarbage } from '../host/collect-garbage.js';
import { wakeEngine } from '../hypervisor/native.js';
import { ResumedMachine } from '../snapshot/resumed-machine.js';
import type { Following } from '../snapshot/steps.js';
import { type BuildOptions, buildMachine } from './build.js';
import { DiskMerges } from './disk-merges.js';
import { FrameLinks } from './frame-links.js';
import { type Inputs, LiveInputs } from './inputs/inputs.js';
import { RecordedInputs } from './inputs/recorded-inputs.js';
import { ReplayedInputs } from './inputs/replayed-inputs.js';
import { LinkedCards } from './linked-cards.js';
import type { Machine } from './machine.js';
import { NativeLinks } from './native-links.js';
import { RingOutputs, type RingReader } from './ring-outputs.js';
import { ThreadControl } from './thread-control.js';
import {
  COMMANDS,
  type CommandName,
  type CommandSubject,
  type FromMachine,
  type InputFile,
  Later,
  type MachineOrigin,
  type Request,
  type ThreadData,
} from './thread-messages.js';
import { type SaveWatcher, ThreadSaves } from './thread-save.js';
import type { DeviceHost } from './virtio-devices.js';
import { VsockLinks } from './vsock-links.js';

const TURN_MS = 50;
const LONGEST_SLEEP_MS = 100;
/** While something is saved, requests have to wait so long at most. */
const SAVE_POLL_MS = 5;
const PROGRESS_MS = 50;
const NANOSECONDS_A_MS = 1_000_000;

export class MachineThread {
  private readonly subject: CommandSubject;
  private readonly merges: DiskMerges;
  private readonly inputs: Inputs;
  private stopReported = false;

  private constructor(
    private readonly machine: Machine,
    private readonly resumed: ResumedMachine | null,
    private readonly port: MessagePort,
    private readonly control: ThreadControl,
    private readonly log: Logger,
    private readonly onProgress: ProgressReceiver,
    private readonly natives: NativeLinks,
    private readonly outputs: RingOutputs,
    links: Pick<CommandSubject, 'cards' | 'vsocks'>,
    inputs: InputFile | null,
  ) {
    this.merges = new DiskMerges(machine, log);
    this.subject = { machine, ...links, saves: new ThreadSaves(machine, resumed?.changes ?? null) };
    this.inputs = this.openInputs(inputs);
  }

  static start({ origin, port, control: memory, rings, inputs, hostCpus, translator }: ThreadData): void {
    const control = new ThreadControl(memory);
    const post = (message: FromMachine): void => port.postMessage(message);
    const onProgress = progressPoster(post);
    try {
      const isReplay = inputs !== null && 'replay' in inputs;
      const log = new SinkLogger((level, scope, message) => post({ event: 'log', level, scope, message }));
      const live = Object.keys(rings).length > 0 && !isReplay;
      const isRecorded = inputs !== null;
      const postLink = isReplay ? () => {} : post;
      const [cards, vsocks] = [new LinkedCards(), new VsockLinks(postLink)];
      const frames = new FrameLinks(postLink, cards, isRecorded);
      const natives = new NativeLinks({ log, isReplay, isRecorded, waitsForAccept: true }, cards);
      const outputs = new RingOutputs(rings, outputReader(post), log);
      const openStream: DeviceHost['openStream'] = (...given) => frames.open(...given);
      const openVsock: DeviceHost['openVsock'] = (...given) => vsocks.open(...given);
      const host = {
        log,
        live,
        outputs: outputs.sinks,
        devices: { openStream, openVsock, repeatsInputs: isRecorded },
        links: natives,
        hostCpus,
        hashExits: isRecorded,
        translator,
      };
      const following = { onProgress, isCancelled: () => control.isStopped };
      const { machine, resumed } = makeMachine(origin, host, following);
      const { engine, config } = machine.parts;
      if (config.clock.kind === 'virtual') outputs.keepAll(() => wakeEngine(engine.id));
      const thread = new MachineThread(
        machine,
        resumed,
        port,
        control,
        log,
        onProgress,
        natives,
        outputs,
        { cards, vsocks },
        inputs,
      );
      post({ event: 'ready', engineId: engine.id });
      thread.turn();
    } catch (error) {
      post({ event: 'failed', message: messageOf(error) });
      port.close();
    }
  }

  private turn(): void {
    const end = performance.now() + TURN_MS;
    try {
      while (this.step() && performance.now() < end);
      this.inputs.rest();
      this.pollResumed();
      // A snapshot on its way knows the layers as they are.
      if (this.machine.state === 'running' && !this.subject.saves.isActive) this.merges.poll();
    } catch (error) {
      this.post({ event: 'failed', message: messageOf(error) });
      this.control.stop();
    }
    if (this.control.isStopped) this.end();
    else setImmediate(() => this.turn());
  }

  /** False when the thread is to end. */
  private step(): boolean {
    const seen = this.machine.parts.events.wakes;
    this.answerRequests();
    if (this.control.isStopped) return false;
    const isRead = this.outputs.flush();
    if (this.machine.state !== 'running') {
      this.reportStop();
      this.rest(seen, LONGEST_SLEEP_MS);
      return true;
    }
    if (!isRead) {
      this.rest(seen, LONGEST_SLEEP_MS);
      return true;
    }
    this.acceptPackets();
    if (this.machine.state !== 'running') return true; // a recorded machine runs on to take an input, and may end there
    if (this.inputs.runSlice() === 'idle') {
      const idle = this.machine.idleTime;
      this.rest(seen, idle === null ? LONGEST_SLEEP_MS : Number(idle) / NANOSECONDS_A_MS);
    } else {
      this.subject.saves.poll(0);
    }
    return true;
  }

  /** Sleeps until it is woken, or waits for a save to go on. */
  private rest(seen: number, milliseconds: number): void {
    if (this.subject.saves.isActive) this.subject.saves.poll(Math.min(milliseconds, SAVE_POLL_MS));
    else this.machine.parts.events.sleep(seen, Math.min(milliseconds, LONGEST_SLEEP_MS));
  }

  /** Taken here alone; what comes in while the machine stands still waits in the link. */
  private acceptPackets(): void {
    this.machine.parts.events.dispatch();
    this.natives.accept((name, given, work) => this.inputs.take(name, given, work));
  }

  private answerRequests(): void {
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      const request = next.message as Request; // only MachineHost holds the other end
      this.answer(request);
    }
  }

  private answer({ id, name, arguments: given }: Request): void {
    try {
      const result = this.inputs.take(name, given, () => this.carry(name, given));
      if (result instanceof Later) result.begin(this.saveWatcher(id));
      else this.post({ event: 'answer', id, result });
    } catch (error) {
      this.post({ event: 'refusal', id, message: messageOf(error) });
    }
  }

  private carry(name: CommandName, given: readonly unknown[]): unknown {
    const command = COMMANDS[name] as (subject: CommandSubject, ...given: readonly unknown[]) => unknown; // typed at the sender
    return command(this.subject, ...given);
  }

  private openInputs(file: InputFile | null): Inputs {
    const { machine, log } = this;
    if (file === null) return new LiveInputs(machine);
    if ('record' in file) return new RecordedInputs(machine, log, file.record);
    return new ReplayedInputs(machine, log, file.replay, (name, given) => this.carry(name, given));
  }

  private saveWatcher(id: number): SaveWatcher {
    return {
      onProgress: this.onProgress,
      onSaved: (result) => this.post({ event: 'answer', id, result }),
      onFailed: (message) => this.post({ event: 'refusal', id, message }),
    };
  }

  private reportStop(): void {
    const reason = this.machine.state === 'stopped' ? this.machine.stopReason : null;
    if (reason !== null && !this.stopReported) {
      this.outputs.end();
      this.post({ event: 'stopped', reason });
    }
    this.stopReported = reason !== null;
  }

  /** Before the first instruction nothing of the snapshot is used up. */
  private pollResumed(): void {
    if (this.resumed === null || this.machine.state === 'built') return;
    const fault = this.resumed.poll((message) => this.log.warn(message));
    if (fault !== null) this.machine.powerOff({ kind: 'error', message: fault.message });
  }

  private end(): void {
    this.subject.saves.cancel('the machine was closed');
    this.endInputs();
    this.resumed?.end((message) => this.log.warn(message));
    this.merges.stop();
    try {
      this.machine.close();
    } catch (error) {
      this.log.warn(messageOf(error));
    }
    this.port.close();
  }

  private endInputs(): void {
    try {
      this.inputs.end();
    } catch (error) {
      this.log.error(messageOf(error));
    }
  }

  private post(message: FromMachine): void {
    this.port.postMessage(message);
  }
}

type ProgressReceiver = NonNullable<Following['onProgress']>;

/** Not more often than somebody can see. */
function progressPoster(post: (message: FromMachine) => void): ProgressReceiver {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    post({ event: 'progress', done, total });
  };
}

interface Made {
  readonly machine: Machine;
  readonly resumed: ResumedMachine | null;
}

function makeMachine(origin: MachineOrigin, host: BuildOptions, following: Following): Made {
  if ('resume' in origin) {
    const resumed = ResumedMachine.load(origin.resume, host, following);
    return { machine: resumed.machine, resumed };
  }
  const machine = buildMachine(origin.config, host);
  machine.powerOn();
  collectGarbage(); // the kernel that was unpacked
  return { machine, resumed: null };
}

function outputReader(post: (message: FromMachine) => void): RingReader {
  return {
    written: (port) => post({ event: 'output', port }),
    rest: (port, bytes) => post({ event: 'rest', port, bytes }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
