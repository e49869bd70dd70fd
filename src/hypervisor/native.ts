// SPDX-License-Identifier: BSD-2-Clause
/** Engines of the native addon. */
import { GuestMemory } from '../core/guest-memory.js';
import type { MemorySegment } from '../core/memory-segment.js';
import { type AddonMachine, loadAddon } from './addon.js';
import type { EngineEvent, EngineEvents } from './engine-events.js';
import { type ExitKind, ExitSlot } from './exit.js';
import type { Capabilities, DiskThreads, Engine, EngineMemory, EngineOptions, Vcpu } from './hypervisor.js';
import { hypervisorError } from './hypervisor-error.js';
import type { LinkRequest, NativeLink, OpenNativeLink } from './native-link.js';
import type { FileDamage, RamTransfer } from './ram-job.js';

export function openNativeEngine(name: string, options: EngineOptions): Engine {
  const { Machine } = loadAddon();
  const { clock, tscHz, physicalAddressBits, cpuid, memory } = options;
  const { numerator, denominator } = clock.kind === 'virtual' ? clock : { numerator: 1, denominator: 1 };
  const virtualClock = clock.kind === 'virtual';
  return guarded(`engine ${name}`, () => {
    const machine = new Machine(name, { virtualClock, numerator, denominator, tscHz, physicalAddressBits, cpuid });
    try {
      return new NativeEngine(`engine ${name}`, machine, memory);
    } catch (error) {
      machine.close();
      throw error;
    }
  });
}

/** Loads the addon now, so that nobody waits for it later. What is wrong with it is told to whoever needs it. */
export function preloadAddon(): void {
  try {
    loadAddon();
  } catch {}
}

/** Makes the machine with this id leave `run()` or its sleep soon, from any thread. False if there is none any more. */
export function wakeEngine(id: number): boolean {
  return loadAddon().wake(id);
}

class NativeEngine implements Engine {
  readonly id: number;
  readonly capabilities: Capabilities;
  readonly memory: GuestMemory;
  readonly vcpu: Vcpu;
  readonly ram: RamTransfer;
  readonly events: EngineEvents;
  readonly disks: DiskThreads;
  readonly openLink: OpenNativeLink;

  constructor(
    private readonly name: string,
    private readonly machine: AddonMachine,
    memory: readonly EngineMemory[],
  ) {
    this.id = machine.id;
    const segments = memory.flatMap((segment) => mapSegment(machine, segment));
    this.vcpu = new NativeVcpu(name, machine);
    this.memory = new GuestMemory(
      segments,
      (address, length) => machine.memoryWritten(address, length),
      (address, length) => guarded(name, () => machine.discard(address, length)),
    );
    this.capabilities = machine.capabilities();
    this.ram = ramTransfer(name, machine);
    this.events = new NativeEvents(name, machine);
    this.disks = { submit: (image, source, token, request) => image.submit(machine, source, token, request) };
    this.openLink = (source, token, request) => openLink(machine, source, token, request);
  }

  getTime(): bigint {
    return guarded(this.name, () => this.machine.getTime());
  }

  setTime(nanoseconds: bigint): void {
    guarded(this.name, () => this.machine.setTime(nanoseconds));
  }

  holdTime(held: boolean): void {
    guarded(this.name, () => this.machine.holdTime(held));
  }

  sendMsi(address: number, data: number): void {
    guarded(this.name, () => this.machine.sendMsi(address, data));
  }

  setExternalInterrupt(level: boolean): void {
    guarded(this.name, () => this.machine.setExternalInterrupt(level));
  }

  openDirtyLog(): number {
    return guarded(this.name, () => this.machine.openDirtyLog());
  }

  closeDirtyLog(client: number): void {
    guarded(this.name, () => this.machine.closeDirtyLog(client));
  }

  takeDirtyLog(client: number, bitmap: Uint8Array): void {
    guarded(this.name, () => this.machine.takeDirtyLog(client, bitmap));
  }

  close(): void {
    this.machine.close();
  }
}

class NativeVcpu implements Vcpu {
  readonly slot: ExitSlot;

  constructor(
    private readonly name: string,
    private readonly machine: AddonMachine,
  ) {
    this.slot = new ExitSlot(machine.createVcpu());
  }

  run(): ExitKind {
    try {
      return this.machine.run() as ExitKind; // the addon's list is ours: the ABI version says so
    } catch (cause) {
      throw hypervisorError(this.name, cause);
    }
  }

  safepoint(): ExitKind {
    return guarded(this.name, () => this.machine.safepoint() as ExitKind); // as above
  }

  errorText(): string {
    return this.machine.errorText();
  }

  nextDeadline(): bigint {
    return guarded(this.name, () => this.machine.nextDeadline());
  }

  instructions(): bigint {
    return this.machine.instructions();
  }

  injectNmi(): void {
    guarded(this.name, () => this.machine.injectNmi());
  }

  reset(): void {
    guarded(this.name, () => this.machine.reset());
  }

  getRegisters(groups: number, values: BigUint64Array): void {
    guarded(this.name, () => this.machine.getRegisters(groups, values));
  }

  setRegisters(groups: number, values: BigUint64Array): void {
    guarded(this.name, () => this.machine.setRegisters(groups, values));
  }

  getMsrs(): BigUint64Array {
    return guarded(this.name, () => this.machine.getMsrs());
  }

  setMsrs(pairs: BigUint64Array): void {
    guarded(this.name, () => this.machine.setMsrs(pairs));
  }

  getXsave(): Uint8Array {
    return guarded(this.name, () => this.machine.getXsave());
  }

  setXsave(image: Uint8Array): void {
    guarded(this.name, () => this.machine.setXsave(image));
  }

  getLapic(): BigUint64Array {
    return guarded(this.name, () => this.machine.getLapic());
  }

  setLapic(rows: BigUint64Array): void {
    guarded(this.name, () => this.machine.setLapic(rows));
  }

  getPrivate(): Uint8Array {
    return guarded(this.name, () => this.machine.getPrivate());
  }

  setPrivate(bytes: Uint8Array): void {
    guarded(this.name, () => this.machine.setPrivate(bytes));
  }

  dropCaches(): void {
    this.machine.dropCaches();
  }
}

const NANOSECONDS_A_MS = 1_000_000;

class NativeEvents implements EngineEvents {
  private readonly words = new Int32Array(3);

  constructor(
    private readonly name: string,
    private readonly machine: AddonMachine,
  ) {}

  get wakes(): number {
    return this.machine.wakeCount();
  }

  wait(seen: number, milliseconds: number): void {
    guarded(this.name, () => this.machine.waitEvents(seen, nanoseconds(milliseconds)));
  }

  waitFor(source: number, milliseconds: number): boolean {
    return guarded(this.name, () => this.machine.waitEventOf(source, nanoseconds(milliseconds)));
  }

  take(of?: number): EngineEvent | null {
    const { words } = this;
    if (this.machine.takeEvents(words, of) === 0) return null;
    const [source = 0, token = 0, result = 0] = words;
    return { source: source >>> 0, token: token >>> 0, result };
  }
}

function nanoseconds(milliseconds: number): number {
  return Math.max(0, Math.ceil(milliseconds * NANOSECONDS_A_MS));
}

/** In the order of native/snapshot/mapped_ram.h. */
const FILE_DAMAGES: readonly FileDamage[] = ['none', 'truncated', 'changed'];

function ramTransfer(name: string, machine: AddonMachine): RamTransfer {
  const { snapshot } = loadAddon();
  return {
    write: (fd, present) => guarded(name, () => snapshot.writeRam(machine, fd, present)),
    copy: (fd, pages, stored) => guarded(name, () => snapshot.copyRam(machine, fd, pages, stored)),
    read: (layer, digest) => guarded(name, () => snapshot.readRam(machine, layer, digest)),
    map: (fd) => {
      const damage = guarded(name, () => snapshot.mapRam(machine, fd));
      return () => FILE_DAMAGES[guarded(name, damage)] ?? 'none';
    },
  };
}

/** Its errors are about what the request names, in words for whoever has given that. */
function openLink(machine: AddonMachine, source: number, token: number, request: LinkRequest): NativeLink {
  const { net } = loadAddon();
  if (request.kind === 'tap') return net.openTap(machine, source, token, request.name);
  return net.openSlirp(machine, source, token, request);
}

/** The engine hands memory out in pieces of at most 1 GiB. */
function mapSegment(machine: AddonMachine, { base, length, readOnly = false }: EngineMemory): MemorySegment[] {
  let next = base;
  return machine.addMemory(base, length, readOnly).map((buffer) => {
    const segment = { base: next, bytes: new Uint8Array(buffer), readOnly };
    next += buffer.byteLength;
    return segment;
  });
}

function guarded<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError(name, cause);
  }
}
