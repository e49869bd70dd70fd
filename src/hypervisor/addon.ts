// SPDX-License-Identifier: BSD-2-Clause
/** The only way to the native addon: finds the file, checks that it fits these sources, and gives its exports types. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FolderCalls } from './folder-calls.js';
import { HypervisorError, hypervisorError } from './hypervisor-error.js';
import type { NativeLink, SlirpRequest } from './native-link.js';
import { packageRoot } from './package-root.js';
import type { MadeRam, RamJob, RamLayer } from './ram-job.js';
import type { SandboxRules } from './sandbox-rules.js';
import type { TranslatorOptions } from './translator.js';

/** Equal to abi_version in native/engine/exit_slot.h. */
const ABI_VERSION = 10;
/** For sanitizer builds, which lie elsewhere. */
const PATH_VARIABLE = 'TSBHYVE_ADDON';

export interface AddonOptions {
  readonly virtualClock: boolean;
  readonly numerator: number;
  readonly denominator: number;
  readonly tscHz: bigint;
  readonly physicalAddressBits: number;
  readonly cpuid: Uint32Array;
  readonly hostCpus: Int32Array;
  /** vmm: another libvmmapi than the system's; empty for that. */
  readonly library: string;
  readonly translator: TranslatorOptions;
}

export interface AddonCapabilities {
  readonly engine: string;
  readonly deterministic: boolean;
  readonly countsInstructions: boolean;
  readonly cpuidSettable: boolean;
  readonly tscScalable: boolean;
  readonly lapicHz: number;
  readonly maxVcpus: number;
  readonly dirtyLog: boolean;
  readonly missingFromSnapshot: string;
  readonly maskedCpuid: Uint32Array;
  readonly chipset: 'ts' | 'kernel';
  readonly mapsFiles: boolean;
  readonly tellsHalt: boolean;
}

export interface AddonMachine {
  readonly id: number;
  addMemory(base: number, length: number, readOnly: boolean): ArrayBuffer[];
  /** One slot a vCPU. */
  createVcpus(count: number): ArrayBuffer[];
  /** The kind of exit in the low byte, the vCPU above it. */
  run(): number;
  safepoint(): number;
  errorText(vcpu: number): string;
  getTime(): bigint;
  setTime(nanoseconds: bigint): void;
  holdTime(held: boolean): void;
  nextDeadline(): bigint;
  instructions(vcpu: number): bigint;
  sendMsi(address: number, data: number): void;
  setExternalInterrupt(level: boolean): void;
  /** Of engines whose chipset is a kernel's, as the next ones. */
  setPicInput(irq: number, level: boolean): void;
  setIoapicInput(pin: number, level: boolean): void;
  writeCmos(index: number, value: number): void;
  setRtc(seconds: bigint): void;
  getRtc(): bigint;
  chipsetRefusal(): string;
  chipsetVersion(): number;
  saveChipset(part: number): Uint8Array;
  loadChipset(part: number, bytes: Uint8Array): void;
  injectNmi(vcpu: number): void;
  reset(): void;
  getRegisters(vcpu: number, groups: number, values: BigUint64Array): void;
  setRegisters(vcpu: number, groups: number, values: BigUint64Array): void;
  getMsrs(vcpu: number): BigUint64Array;
  setMsrs(vcpu: number, pairs: BigUint64Array): void;
  getXsave(vcpu: number): Uint8Array;
  setXsave(vcpu: number, image: Uint8Array): void;
  getLapic(vcpu: number): BigUint64Array;
  setLapic(vcpu: number, rows: BigUint64Array): void;
  getPrivate(vcpu: number): Uint8Array;
  setPrivate(vcpu: number, bytes: Uint8Array): void;
  getShared(): Uint8Array;
  setShared(bytes: Uint8Array): void;
  memoryWritten(address: number, length: number): void;
  /** By page in the order in which memory was added; a write to one that is 0 need not be told. Null: all have to be. */
  attentions(): Uint8Array | null;
  discard(address: number, length: number): void;
  openDirtyLog(): number;
  closeDirtyLog(client: number): void;
  takeDirtyLog(client: number, bitmap: Uint8Array): void;
  dropCaches(): void;
  restTranslator(resting: boolean): void;
  /** By name, what the engine has done for this vCPU. */
  counters(vcpu: number): Record<string, number>;
  capabilities(): AddonCapabilities;
  wakeCount(): number;
  waitEvents(seen: number, nanoseconds: number): void;
  waitEventOf(source: number, nanoseconds: number): boolean;
  takeEvents(into: Int32Array, source?: number): number;
  hasDoorbells(): boolean;
  openDoorbells(source: number): void;
  addDoorbell(address: number, width: number, token: number): void;
  removeDoorbell(token: number): void;
  close(): void;
}

/** What native/kvm/probe.h explains. */
export interface KvmProbe {
  /** There, complete enough, and running guest ring 0 natively. */
  readonly available: boolean;
  /** Why it is not; empty when available. */
  readonly reason: string;
  /** Of a short ring-0 loop; 0 when it could not run. */
  readonly instructionsPerSecond: number;
  /** The guest's TSC rate without scaling; 0 when unknown. */
  readonly tscHz: bigint;
  readonly tscScalable: boolean;
}

/** What native/vmm/probe.h explains. */
export interface VmmProbe {
  /** Why there is no vmm here; empty when there is. */
  readonly reason: string;
  /** The guest's TSC rate, which is the host's. */
  readonly tscHz: bigint;
}

export interface AddonSnapshot {
  writeRam(machine: AddonMachine, fd: number, present: Uint8Array | null): RamJob<MadeRam>;
  copyRam(machine: AddonMachine, fd: number, pages: Uint8Array | null, stored: Uint8Array): RamJob<MadeRam>;
  sealRam(segments: BigUint64Array, fd: number, stored: Uint8Array): RamJob<MadeRam>;
  readRam(machine: AddonMachine, layer: RamLayer, digest: Uint8Array): RamJob<null>;
  mapRam(machine: AddonMachine, fd: number): () => number;
  verifyRam(segments: BigUint64Array, fd: number, stored: Uint8Array, digest: Uint8Array): RamJob<null>;
  mergeRam(segments: BigUint64Array, fd: number, layers: readonly RamLayer[]): RamJob<MadeRam>;
  lockFile(fd: number, exclusive: boolean, waits: boolean): boolean;
}

export interface AddonNbdOptions {
  /** Path of a unix socket; empty if there is a host. */
  readonly socket: string;
  readonly host: string;
  readonly port: string;
  readonly exportName: string;
  /** Every write is on stable storage when it is done. */
  readonly durable: boolean;
}

export interface AddonNbdDisk {
  readonly image: AddonDisk;
  readonly size: bigint;
  readonly readOnly: boolean;
  /** Bytes that the server moves at least. */
  readonly minimumBlock: number;
  readonly canDiscard: boolean;
}

export interface AddonNbd {
  /** Connects. */
  open(options: AddonNbdOptions): AddonNbdDisk;
}

/** Empty where there is none. */
export interface AddonSandbox {
  landlockVersion?(): number;
  restrict?(rules: SandboxRules): void;
}

export interface AddonLayer {
  readonly fd: number;
  readonly id: Uint8Array;
}

export interface AddonLayers {
  copyLayers(
    base: number | null,
    layers: readonly AddonLayer[],
    bytes: number,
    target: number,
    targetId: Uint8Array | null,
    isEmpty: boolean,
  ): RamJob<null>;
  digestFile(fd: number): RamJob<Uint8Array>;
  openLayers(base: number, layers: readonly AddonLayer[], bytes: number, sync: boolean): AddonLayeredDisk;
}

export interface AddonLayeredDisk extends AddonDisk {
  push(layer: AddonLayer): void;
  pop(): void;
  replace(first: number, count: number, layer: AddonLayer): void;
  flush(): void;
}

export interface AddonNet {
  openTap(machine: AddonMachine, source: number, token: number, name: string): NativeLink;
  openSlirp(machine: AddonMachine, source: number, token: number, request: SlirpRequest): NativeLink;
}

/** src/hypervisor/disk-image.ts gives it words. */
export interface AddonDisk {
  perform(kind: number, flags: number, offset: number, length: number, memory: readonly Uint8Array[]): number;
  readCached(machine: AddonMachine, offset: number, memory: readonly Uint8Array[]): boolean;
  submit(
    machine: AddonMachine,
    source: number,
    token: number,
    kind: number,
    flags: number,
    offset: number,
    length: number,
    memory: readonly Uint8Array[],
  ): boolean;
  close(): void;
}

export interface AddonRawDisk {
  readonly image: AddonDisk;
  /** Bytes in whole sectors. */
  readonly capacity: number;
  readonly canDiscard: boolean;
}

export interface AddonDisks {
  openRaw(fd: number, direct: boolean): AddonRawDisk;
}

export interface Addon {
  readonly abiVersion: number;
  layout(): { readonly registers: [string, number][]; readonly lapic: [string, number][] };
  wake(machine: number): boolean;
  /** `known`: instructions a second of an earlier measurement, which is then not made again; 0: none. */
  kvmProbe(known: number): KvmProbe;
  vmmProbe(library: string): VmmProbe;
  readonly snapshot: AddonSnapshot;
  readonly nbd: AddonNbd;
  readonly sandbox: AddonSandbox;
  readonly layers: AddonLayers;
  readonly hostfs: FolderCalls;
  readonly disk: AddonDisks;
  readonly net: AddonNet;
  readonly Machine: new (engine: string, options: AddonOptions) => AddonMachine;
}

export function addonPath(): string {
  return process.env[PATH_VARIABLE] ?? join(packageRoot(), 'build/Release/tsbhyve.node');
}

export function isAddonBuilt(): boolean {
  return existsSync(addonPath());
}

let loaded: Addon | undefined;

export function loadAddon(): Addon {
  loaded ??= load(addonPath());
  return loaded;
}

function load(path: string): Addon {
  if (!existsSync(path)) {
    throw new HypervisorError(`${path} does not exist: build the addon: npm run build:native`, 'ENOENT');
  }
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(path) as Addon; // typed by hand above; the version below vouches for it
  } catch (cause) {
    throw hypervisorError('the native addon cannot be loaded', cause);
  }
  if (addon.abiVersion !== ABI_VERSION) {
    throw new HypervisorError(
      `${path} has ABI version ${addon.abiVersion}, expected ${ABI_VERSION}: rebuild the addon: npm run build:native`,
      'ERR_ABI',
    );
  }
  return addon;
}
