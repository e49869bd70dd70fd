// SPDX-License-Identifier: BSD-2-Clause
/**
 * A machine: its parts, its life, and how it is run. It belongs to one thread, any thread: tests use it directly, the
 * program runs it in a Worker.
 */
import type { ConsoleInput } from '../../devices/console/console-input.js';
import { NEVER } from '../hypervisor/exit.js';
import type { Engine } from '../hypervisor/hypervisor.js';
import { assignBars } from './assign-bars.js';
import type { BootMedia } from './boot-media.js';
import type { MachineTime } from './clock.js';
import type { ConsoleId, MachineConfig } from './config.js';
import type { HungDoorbells } from './engine-doorbells.js';
import type { ExitHash } from './exit-hash.js';
import type { ExitLoop, SliceEnd } from './exit-loop.js';
import type { HostEvents } from './host-events.js';
import type { MachineDisk } from './machine-disks.js';
import { layoutFor } from './memory-layout.js';
import type { PcBoard } from './pc-board.js';
import type { StopLatch, StopReason } from './stop.js';

export type MachineState = 'built' | 'running' | 'paused' | 'stopped' | 'closed';

export interface MachineParts {
  readonly config: MachineConfig;
  readonly engine: Engine;
  readonly time: MachineTime;
  readonly board: PcBoard;
  readonly disks: readonly MachineDisk[];
  readonly loop: ExitLoop;
  readonly events: HostEvents;
  /** Null where every write comes to its device at once. */
  readonly doorbells: HungDoorbells | null;
  readonly stop: StopLatch;
  readonly hash: ExitHash | null;
  readonly media: BootMedia | null;
}

/** Rounds of asking devices to finish what they are doing. */
const QUIESCE_ROUNDS = 1000;

export class Machine {
  private lifecycle: MachineState = 'built';
  private readonly firstSteps: (() => void)[] = [];
  /** Then it stands only where its VM time says; set by whoever records its inputs. */
  settlesBeforePauses = false;
  private isIdle = false;

  constructor(readonly parts: MachineParts) {}

  get state(): MachineState {
    return this.lifecycle;
  }

  /** Null while the machine can run on. */
  get stopReason(): StopReason | null {
    return this.parts.stop.reason;
  }

  get time(): bigint {
    return this.parts.engine.getTime();
  }

  /** Of all vCPUs together. */
  get instructions(): bigint {
    return this.parts.engine.vcpus.reduce((sum, vcpu) => sum + vcpu.instructions(), 0n);
  }

  /** Loads the boot media into memory and registers. A machine that is restored instead is not powered on. */
  powerOn(): void {
    this.expect('power on', 'built');
    this.loadMedia();
  }

  /** Has this done right before the next instruction of a machine that stands still. When it throws, the machine stays so. */
  beforeRun(step: () => void): void {
    this.expect('prepare', 'built', 'paused', 'stopped');
    this.firstSteps.push(step);
  }

  /** Lets VM time run, from now on or again. */
  resume(): void {
    this.expect('run', 'built', 'paused');
    for (let [step] = this.firstSteps; step !== undefined; [step] = this.firstSteps) {
      step();
      this.firstSteps.shift();
    }
    this.letRun();
    this.lifecycle = 'running';
  }

  /** Hands out what has happened on the host, then runs for a few milliseconds at most and never past the VM time `limit`. */
  runSlice(limit: bigint = NEVER): SliceEnd {
    this.expect('run', 'running');
    this.parts.events.dispatch();
    const end = this.parts.loop.slice(limit);
    this.isIdle = end === 'idle';
    if (end === 'stopped') {
      this.parts.time.stop();
      this.lifecycle = 'stopped';
    }
    return end;
  }

  /**
   * Runs on to a near instant that is told by VM time alone: the first boundary of instructions that is not before it, with
   * its alarms fired. A machine that idles is at the host's time then.
   */
  settle(): void {
    const { time } = this.parts;
    const limit = time.nearInstant(this.isIdle);
    time.ignorePace(() => {
      while (this.lifecycle === 'running' && this.runSlice(limit) !== 'limit');
    });
  }

  /** Nanoseconds of host time until something happens by itself in an idle machine; null if nothing will. */
  get idleTime(): bigint | null {
    return this.parts.time.idleTime();
  }

  /** Something will happen that is not the guest's doing. */
  get hostIsAtWork(): boolean {
    return !this.parts.board.devices.every((device) => device.isQuiet());
  }

  /** Stops time with all vCPUs between two instructions and no device at work. */
  pause(): void {
    this.expect('pause', 'running');
    if (this.settlesBeforePauses) {
      this.settle();
      this.expect('pause', 'running');
    }
    const { loop, time, board, doorbells } = this.parts;
    loop.safepoint();
    doorbells?.takeRung();
    time.stop();
    try {
      for (const device of board.devices) device.pause();
      this.quiesce();
    } catch (error) {
      this.letRun();
      throw error;
    }
    this.lifecycle = 'paused';
  }

  /** The reset line: everything starts again from the boot media. */
  reset(): void {
    this.expect('reset', 'running', 'paused', 'stopped');
    const { engine, time, board, stop } = this.parts;
    time.stop();
    engine.reset();
    for (const device of board.devices) device.reset();
    this.loadMedia();
    stop.clear();
    this.lifecycle = 'paused';
  }

  /** The ACPI power button. False means the guest does not listen to it. */
  pressPowerButton(): boolean {
    this.expect('press the power button', 'running', 'paused');
    return this.parts.board.pm1.pressPowerButton();
  }

  /** To every vCPU. */
  injectNmi(): void {
    this.expect('inject an NMI', 'running', 'paused');
    for (const vcpu of this.parts.engine.vcpus) vcpu.injectNmi();
  }

  /** Types on a console; tells how many bytes there was room for. */
  type(port: ConsoleId, bytes: Uint8Array): number {
    this.expect('type', 'built', 'running', 'paused');
    return this.input(port)?.type(bytes) ?? 0;
  }

  /** The same for bytes that are lost unless they become part of the machine now; there is room for some more of these. */
  typeAll(port: ConsoleId, bytes: Uint8Array): void {
    this.expect('type', 'built', 'running', 'paused');
    this.input(port)?.typeAll(bytes);
  }

  /** Somebody has come to the other end of a virtio port, or has left it. A serial port does not know. */
  setConsoleOpen(port: ConsoleId, isOpen: boolean): void {
    this.expect('connect', 'built', 'running', 'paused');
    this.parts.board.virtioPorts.get(port)?.setOpen(isOpen);
  }

  /** The terminal at a console has another size; only a virtio console port can say so. */
  resizeConsole(port: ConsoleId, columns: number, rows: number): void {
    this.expect('resize a console of', 'built', 'running', 'paused');
    this.parts.board.virtioPorts.get(port)?.resize(columns, rows);
  }

  /** Ends the machine at once, as pulling the plug does. */
  powerOff(reason: StopReason = { kind: 'requested' }): void {
    this.expect('power off', 'built', 'running', 'paused', 'stopped');
    this.parts.stop.set(reason);
    this.parts.time.stop();
    this.lifecycle = 'stopped';
  }

  /** Releases memory and processor. Allowed in every state, and twice. */
  close(): void {
    this.parts.stop.set({ kind: 'requested' });
    this.lifecycle = 'closed';
    const problems: unknown[] = [];
    for (const device of this.parts.board.devices) {
      try {
        device.close(); // while there is memory for work in flight
      } catch (problem) {
        problems.push(problem); // the others are closed all the same
      }
    }
    this.parts.engine.close();
    if (problems.length > 0) throw problems[0];
  }

  private letRun(): void {
    this.parts.time.start();
    for (const device of this.parts.board.devices) device.resume();
  }

  private input(port: ConsoleId): Pick<ConsoleInput, 'type' | 'typeAll'> | undefined {
    const { consoles, virtioPorts } = this.parts.board;
    return consoles.get(port)?.input ?? virtioPorts.get(port);
  }

  private loadMedia(): void {
    const { media, engine, board, config } = this.parts;
    assignBars(board.pci, layoutFor(config.memory));
    media?.load(engine);
    board.vmGeneration.publish();
  }

  private quiesce(): void {
    const { devices } = this.parts.board;
    for (let round = 0; round < QUIESCE_ROUNDS; round += 1) {
      if (devices.every((device) => device.isQuiet())) return;
    }
    const busy = devices.filter((device) => !device.isQuiet()).map(({ id }) => id);
    throw new Error(`cannot pause: ${busy.join(', ')} did not finish`);
  }

  private expect(action: string, ...accepted: readonly MachineState[]): void {
    if (accepted.includes(this.lifecycle)) return;
    throw new Error(`cannot ${action} a machine that is ${this.lifecycle}: expected ${accepted.join(' or ')}`);
  }
}
