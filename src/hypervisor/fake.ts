// SPDX-License-Identifier: BSD-2-Clause
/**
 * An engine without a processor: a scripted guest asks, ordinary memory answers, and time counts its steps. It obeys the
 * same contract as the native engines; the contract tests run over it too, so that it stays honest.
 */
import { GuestMemory } from '../core/guest-memory.js';
import { type ExitKind, NEVER } from './exit.js';
import type { FakeGuest } from './fake-guest.js';
import { FakeVcpu } from './fake-vcpu.js';
import type { Capabilities, Engine, EngineOptions } from './hypervisor.js';
import { dirtyBitmapLength, PAGE_SIZE } from './hypervisor.js';
import { HypervisorError } from './hypervisor-error.js';

const CLIENTS = 8;
let nextId = 1;

export class FakeEngine implements Engine {
  readonly id = nextId++;
  readonly capabilities: Capabilities;
  readonly memory: GuestMemory;
  readonly vcpus: readonly FakeVcpu[];
  readonly vcpu: FakeVcpu;
  readonly exited: FakeVcpu;
  readonly chipset = null;
  readonly ram = null;
  readonly events = null;
  readonly doorbells = null;
  readonly disks = null;
  readonly openLink = null;
  private readonly logs = new Map<number, Uint8Array>();
  private closed = false;

  constructor(
    private readonly options: EngineOptions,
    guest: FakeGuest,
  ) {
    this.capabilities = {
      engine: 'fake',
      deterministic: options.clock.kind === 'virtual',
      countsInstructions: true,
      cpuidSettable: true,
      tscScalable: true,
      lapicHz: 1_000_000_000,
      maxVcpus: 1,
      dirtyLog: true,
      missingFromSnapshot: '',
      maskedCpuid: new Uint32Array(0),
      chipset: 'ts',
      mapsFiles: false,
      tellsHalt: true,
    };
    const segments = options.memory.map(({ base, length, readOnly = false }) => ({
      base,
      bytes: new Uint8Array(length),
      readOnly,
    }));
    this.memory = new GuestMemory(segments, (address, length) => this.markDirty(address, length));
    const { vcpus = 1 } = options;
    if (vcpus !== 1) throw new HypervisorError(`fake: ${vcpus} vCPUs: this engine has 1`, 'ERR_INVALID');
    this.vcpu = new FakeVcpu(this.memory, guest, options.clock, () => this.requireOpen());
    this.vcpus = [this.vcpu];
    this.exited = this.vcpu;
  }

  /** As `wakeEngine` does for native engines. */
  wake(): void {
    this.vcpu.wake();
  }

  run(): ExitKind {
    return this.vcpu.run();
  }

  safepoint(): ExitKind {
    return this.vcpu.safepoint();
  }

  reset(): void {
    this.vcpu.reset();
  }

  nextDeadline(): bigint {
    return NEVER;
  }

  getShared(): Uint8Array {
    return new Uint8Array(0);
  }

  setShared(bytes: Uint8Array): void {
    if (bytes.length > 0) throw new HypervisorError('fake: there is no section of all vCPUs', 'ERR_INVALID');
  }

  dropCaches(): void {}

  restTranslator(): void {}

  getTime(): bigint {
    this.requireOpen();
    return this.vcpu.time.now();
  }

  setTime(nanoseconds: bigint): void {
    this.requireOpen();
    this.vcpu.time.set(nanoseconds);
  }

  holdTime(_held: boolean): void {
    this.requireOpen();
  }

  sendMsi(_address: number, data: number): void {
    this.requireOpen();
    this.vcpu.interrupt(data & 0xff);
  }

  setExternalInterrupt(level: boolean): void {
    this.requireOpen();
    this.vcpu.setExternalInterrupt(level);
  }

  openDirtyLog(): number {
    this.requireOpen();
    for (let client = 0; client < CLIENTS; client += 1) {
      if (this.logs.has(client)) continue;
      this.logs.set(client, new Uint8Array(dirtyBitmapLength(this.options.memory)));
      return client;
    }
    throw new HypervisorError(`fake: the dirty log has ${CLIENTS} clients already`, 'ERR_INVALID');
  }

  closeDirtyLog(client: number): void {
    this.requireOpen();
    this.logs.delete(client);
  }

  takeDirtyLog(client: number, bitmap: Uint8Array): void {
    this.requireOpen();
    const log = this.logs.get(client);
    if (log === undefined || bitmap.length < log.length) {
      throw new HypervisorError('fake: no such dirty-log client, or its bitmap is too short', 'ERR_INVALID');
    }
    log.forEach((bits, index) => {
      bitmap[index] = (bitmap[index] ?? 0) | bits;
    });
    log.fill(0);
  }

  close(): void {
    this.closed = true;
  }

  private requireOpen(): void {
    if (this.closed) throw new HypervisorError('fake: the machine is closed', 'ERR_CLOSED');
  }

  private markDirty(address: number, length: number): void {
    let firstPage = 0;
    for (const segment of this.options.memory) {
      const start = Math.max(address, segment.base);
      const end = Math.min(address + length, segment.base + segment.length);
      for (let at = start - (start % PAGE_SIZE); at < end; at += PAGE_SIZE) {
        this.markPage(firstPage + (at - segment.base) / PAGE_SIZE);
      }
      firstPage += segment.length / PAGE_SIZE;
    }
  }

  private markPage(page: number): void {
    for (const log of this.logs.values()) log[page >> 3] = (log[page >> 3] ?? 0) | (1 << (page & 7));
  }
}
