// SPDX-License-Identifier: BSD-2-Clause
/** Engines of the native addon. */
import { GuestMemory } from '../core/guest-memory.js';
import type { MemorySegment } from '../core/memory-segment.js';
import { type AddonMachine, loadAddon } from './addon.js';
import type { EngineEvent, EngineEvents } from './engine-events.js';
import { type ExitKind, ExitSlot } from './exit.js';
import type {
  Capabilities,
  DiskThreads,
  Engine,
  EngineDoorbells,
  EngineMemory,
  EngineOptions,
  KernelChipset,
  Vcpu,
} from './hypervisor.js';
import { guarded, hypervisorError } from './hypervisor-error.js';
import type { LinkRequest, NativeLink, OpenNativeLink } from './native-link.js';
import { NativeVcpu } from './native-vcpu.js';
import type { FileDamage, RamTransfer } from './ram-job.js';
import { TRANSLATOR_DEFAULT } from './translator.js';
import { vmmLibrary } from './vmm-library.js';
import { tellOfWrites } from './written-pages.js';

export function openNativeEngine(name: string, options: EngineOptions): Engine {
  const { Machine } = loadAddon();
  const { clock, tscHz, physicalAddressBits, cpuid, memory, vcpus = 1, hostCpus = [] } = options;
  const { numerator, denominator } = clock.kind === 'virtual' ? clock : { numerator: 1, denominator: 1 };
  const virtualClock = clock.kind === 'virtual';
  return guarded(`engine ${name}`, () => {
    const rates = { virtualClock, numerator, denominator, tscHz };
    const model = { physicalAddressBits, cpuid };
    const pins = Int32Array.from(hostCpus);
    const host = {
      library: vmmLibrary(),
      hostCpus: pins,
      translator: { ...TRANSLATOR_DEFAULT, ...options.translator },
    };
    const machine = new Machine(name, { ...rates, ...model, ...host });
    try {
      return new NativeEngine(`engine ${name}`, machine, memory, vcpus);
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
  readonly vcpus: readonly Vcpu[];
  readonly vcpu: Vcpu;
  exited: Vcpu;
  readonly chipset: KernelChipset | null;
  readonly ram: RamTransfer;
  readonly events: EngineEvents;
  readonly doorbells: EngineDoorbells | null;
  readonly disks: DiskThreads;
  readonly openLink: OpenNativeLink;

  constructor(
    private readonly name: string,
    private readonly machine: AddonMachine,
    memory: readonly EngineMemory[],
    vcpus: number,
  ) {
    this.id = machine.id;
    const segments = memory.flatMap((segment) => mapSegment(machine, segment));
    const [first, ...others] = machine
      .createVcpus(vcpus)
      .map((slot, index) => new NativeVcpu(name, machine, index, new ExitSlot(slot)));
    if (first === undefined) throw new RangeError(`${name}: a machine without a vCPU`);
    this.vcpus = [first, ...others];
    this.vcpu = first;
    this.exited = first;
    this.memory = new GuestMemory(
      segments,
      tellOfWrites(segments, machine.attentions(), (address, length) => machine.memoryWritten(address, length)),
      (address, length) => guarded(name, () => machine.discard(address, length)),
    );
    this.capabilities = machine.capabilities();
    this.chipset = this.capabilities.chipset === 'kernel' ? kernelChipset(name, machine) : null;
    this.ram = ramTransfer(name, machine);
    this.events = new NativeEvents(name, machine);
    this.doorbells = machine.hasDoorbells() ? doorbells(machine) : null;
    this.disks = {
      readCached: (image, offset, memory) => image.readCached(machine, offset, memory),
      submit: (image, source, token, request) => image.submit(machine, source, token, request),
    };
    this.openLink = (source, token, request) => openLink(machine, source, token, request);
  }

  run(): ExitKind {
    try {
      return this.told(this.machine.run());
    } catch (cause) {
      throw hypervisorError(this.name, cause);
    }
  }

  safepoint(): ExitKind {
    return this.told(guarded(this.name, () => this.machine.safepoint()));
  }

  reset(): void {
    guarded(this.name, () => this.machine.reset());
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

  nextDeadline(): bigint {
    return guarded(this.name, () => this.machine.nextDeadline());
  }

  sendMsi(address: number, data: number): void {
    guarded(this.name, () => this.machine.sendMsi(address, data));
  }

  setExternalInterrupt(level: boolean): void {
    guarded(this.name, () => this.machine.setExternalInterrupt(level));
  }

  getShared(): Uint8Array {
    return guarded(this.name, () => this.machine.getShared());
  }

  setShared(bytes: Uint8Array): void {
    guarded(this.name, () => this.machine.setShared(bytes));
  }

  dropCaches(): void {
    this.machine.dropCaches();
  }

  restTranslator(resting: boolean): void {
    this.machine.restTranslator(resting);
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

  private told(exit: number): ExitKind {
    this.exited = this.vcpus[exit >> 8] ?? this.vcpu;
    return (exit & 0xff) as ExitKind; // the addon's list is ours: the ABI version says so
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

function doorbells(machine: AddonMachine): EngineDoorbells {
  return {
    open: (source) => machine.openDoorbells(source),
    add: (address, width, token) => machine.addDoorbell(address, width, token),
    remove: (token) => machine.removeDoorbell(token),
  };
}

function nanoseconds(milliseconds: number): number {
  return Math.max(0, Math.ceil(milliseconds * NANOSECONDS_A_MS));
}

function kernelChipset(name: string, machine: AddonMachine): KernelChipset {
  return {
    setPicInput: (irq, level) => guarded(name, () => machine.setPicInput(irq, level)),
    setIoapicInput: (pin, level) => guarded(name, () => machine.setIoapicInput(pin, level)),
    writeCmos: (index, value) => guarded(name, () => machine.writeCmos(index, value)),
    setRtc: (seconds) => guarded(name, () => machine.setRtc(seconds)),
    getRtc: () => guarded(name, () => machine.getRtc()),
    refusal: () => guarded(name, () => machine.chipsetRefusal()),
    version: () => guarded(name, () => machine.chipsetVersion()),
    save: (part) => guarded(name, () => machine.saveChipset(part)),
    load: (part, bytes) => guarded(name, () => machine.loadChipset(part, bytes)),
  };
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
