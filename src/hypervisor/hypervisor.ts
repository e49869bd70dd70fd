// SPDX-License-Identifier: BSD-2-Clause
/** What the machine needs of an engine, whichever it is: soft, kvm, vmm, or the scripted fake of the tests. */
import type { GuestMemory } from '../core/guest-memory.js';
import type { DiskImage, ImageRequest } from './disk-image.js';
import type { EngineEvents } from './engine-events.js';
import type { ExitKind, ExitSlot } from './exit.js';
import type { OpenNativeLink } from './native-link.js';
import type { RamTransfer } from './ram-job.js';
import type { TranslatorOptions } from './translator.js';

export interface EngineMemory {
  readonly base: number;
  readonly length: number;
  readonly readOnly?: boolean;
}

/** VM time follows the host's monotonic clock, or counts `numerator / denominator` nanoseconds an instruction. */
export type ClockMode =
  | { readonly kind: 'real' }
  | { readonly kind: 'virtual'; readonly numerator: number; readonly denominator: number };

export interface EngineOptions {
  readonly memory: readonly EngineMemory[];
  /** 1, unless given. */
  readonly vcpus?: number;
  /** By vCPU: the host's CPU that its thread stays on, -1 for any; it may be shorter. */
  readonly hostCpus?: readonly number[];
  readonly clock: ClockMode;
  readonly tscHz: bigint;
  readonly physicalAddressBits: number;
  /** Rows of six: leaf, subleaf, EAX, EBX, ECX, EDX. */
  readonly cpuid: Uint32Array;
  /** soft; `TRANSLATOR_DEFAULT` where something is not given. */
  readonly translator?: Partial<TranslatorOptions>;
}

export interface Capabilities {
  readonly engine: string;
  /** The virtual clock: same configuration and inputs, same bits. */
  readonly deterministic: boolean;
  /** What the virtual clock needs. Without it `instructions()` and the slot's count are 0. */
  readonly countsInstructions: boolean;
  readonly cpuidSettable: boolean;
  readonly tscScalable: boolean;
  readonly lapicHz: number;
  readonly maxVcpus: number;
  readonly dirtyLog: boolean;
  /** Names what a snapshot would lack; empty when it is complete. */
  readonly missingFromSnapshot: string;
  /** Feature bits of the CPU model that this host lacks: rows as in `EngineOptions.cpuid`, with nothing else. */
  readonly maskedCpuid: Uint32Array;
  /** Whose the interrupt controllers and timers are: this program's, or a kernel's (`Engine.chipset`). */
  readonly chipset: 'ts' | 'kernel';
  /** Guest memory may be mapped from a file. */
  readonly mapsFiles: boolean;
  /** `Hlt` is returned also where an interrupt may end it. */
  readonly tellsHalt: boolean;
}

/** One machine's processors and memory. Every call but `wake` belongs to the machine's thread. */
export interface Engine {
  /** Names this engine to `wake` on any thread of the process. */
  readonly id: number;
  readonly capabilities: Capabilities;
  readonly memory: GuestMemory;
  /** By APIC id. */
  readonly vcpus: readonly Vcpu[];
  /** The first of them, which boots the machine. */
  readonly vcpu: Vcpu;

  /**
   * Runs all vCPUs until one has an exit, until `vcpu.slot.deadline`, `wake`, or a few milliseconds have passed (`None`). The
   * answer to the last exit lies in the slot of `exited`. Others that have one meanwhile wait for the next calls. `Hlt` means
   * that all of them wait for an interrupt.
   */
  run(): ExitKind;
  /**
   * Brings all vCPUs between two instructions, until the next `run()`: finishes those that wait for an answer. An exit that
   * one needs first is returned, to be answered before the next call.
   */
  safepoint(): ExitKind;
  /** Whose exit `run()` or `safepoint()` has returned. */
  readonly exited: Vcpu;
  /** The machine's reset line: the first vCPU starts anew, the others wait to be started. */
  reset(): void;

  /** VM time in nanoseconds. */
  getTime(): bigint;
  setTime(nanoseconds: bigint): void;
  /** Real clock: while held, VM time stands still. An engine starts held. */
  holdTime(held: boolean): void;
  /** VM time of the next event inside the engine, or `NEVER`. */
  nextDeadline(): bigint;

  sendMsi(address: number, data: number): void;
  /** Level of the 8259 pair's INT output. */
  setExternalInterrupt(level: boolean): void;

  /** What belongs to all vCPUs together, of the kind of `Vcpu.getPrivate()`; empty with one vCPU. */
  getShared(): Uint8Array;
  /** After the private sections of all vCPUs. */
  setShared(bytes: Uint8Array): void;
  /** For tests: drops every derived cache. Nothing a guest can see may change. */
  dropCaches(): void;
  /** For tests: hot code does without host code from here on, or no more. Nothing the guest can see may change. */
  restTranslator(resting: boolean): void;

  openDirtyLog(): number;
  closeDirtyLog(client: number): void;
  /** ORs the pages written since the last call into `bitmap`, one bit a page. */
  takeDirtyLog(client: number, bitmap: Uint8Array): void;

  /** Null: the chipset is this program's. */
  readonly chipset: KernelChipset | null;

  /** Null: this engine's memory is JavaScript's own. */
  readonly ram: RamTransfer | null;
  /** Null: nothing happens behind this engine's back. */
  readonly events: EngineEvents | null;
  /** Null: every write to a device is an exit. */
  readonly doorbells: EngineDoorbells | null;
  /** Null: disks do their work at once. */
  readonly disks: DiskThreads | null;

  /** Null: this engine has no network links. */
  readonly openLink: OpenNativeLink | null;

  /** Releases memory and processor; later calls of it do nothing, of anything else throw. */
  close(): void;
}

/** 8259 pair, I/O APIC, 8254, HPET, RTC and PM timer of a kernel. */
export interface KernelChipset {
  /** A change of the level of an input. */
  setPicInput(irq: number, level: boolean): void;
  setIoapicInput(pin: number, level: boolean): void;
  writeCmos(index: number, value: number): void;
  /** Seconds since 1970. */
  setRtc(seconds: bigint): void;
  getRtc(): bigint;
  /** Why it cannot be saved as it is; empty when it can. */
  refusal(): string;
  /** Of the kernel: what `save` gives out is only for the same. */
  version(): number;
  /** One part's state, in the kernel's own form. Only at a safepoint. */
  save(part: number): Uint8Array;
  load(part: number, bytes: Uint8Array): void;
}

/** Writes to memory addresses of devices that are events instead of exits: of `width` bytes, under a token each. */
export interface EngineDoorbells {
  /** Events have this source from now on. */
  open(source: number): void;
  add(address: number, width: number, token: number): void;
  remove(token: number): void;
}

/** Disk I/O on the engine's memory that makes nobody wait. */
export interface DiskThreads {
  /** Done at once if the host has it in memory; false if not, or if nobody can tell. */
  readCached(image: DiskImage, offset: number, memory: readonly Uint8Array[]): boolean;
  /** For native threads. The result is posted to `source` under this token. False if too much is on its way already. */
  submit(image: DiskImage, source: number, token: number, request: ImageRequest): boolean;
}

/** One virtual processor. Its state is whole at a safepoint, and before the machine has run. */
export interface Vcpu {
  /** Its place among the engine's, and its APIC id. */
  readonly index: number;
  readonly slot: ExitSlot;

  /** One sentence on its last `ExitKind.Error`: what the engine cannot go on from. */
  errorText(): string;
  /** What the engine has done for it, by name. */
  counters(): Readonly<Record<string, number>>;
  instructions(): bigint;
  injectNmi(): void;

  getRegisters(groups: number, values: BigUint64Array): void;
  setRegisters(groups: number, values: BigUint64Array): void;
  /** Number, value, number, value ... */
  getMsrs(): BigUint64Array;
  setMsrs(pairs: BigUint64Array): void;
  getXsave(): Uint8Array;
  setXsave(image: Uint8Array): void;
  getLapic(): BigUint64Array;
  setLapic(rows: BigUint64Array): void;
  /** What only this engine understands and another may drop. */
  getPrivate(): Uint8Array;
  setPrivate(bytes: Uint8Array): void;
}

export type OpenEngine = (options: EngineOptions) => Engine;

export const PAGE_SIZE = 4096;

/** Bytes of a dirty-log bitmap for this memory: pages count through all segments in the order they were given. */
export function dirtyBitmapLength(memory: readonly EngineMemory[]): number {
  const pages = memory.reduce((total, { length }) => total + length / PAGE_SIZE, 0);
  return Math.ceil(pages / 8);
}
