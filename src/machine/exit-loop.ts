// SPDX-License-Identifier: BSD-2-Clause
/**
 * Runs the vCPUs and answers their exits: the innermost loop of the machine. On port and MMIO exits it allocates nothing.
 */
import type { IoApic } from '../../devices/isa/ioapic.js';
import type { Pic8259 } from '../../devices/isa/pic8259.js';
import { hex } from '../core/bits.js';
import type { MemoryBus } from '../core/memory-bus.js';
import type { PortBus } from '../core/port-bus.js';
import { EXIT_KINDS, ExitKind, type ExitSlot } from '../hypervisor/exit.js';
import type { Engine, Vcpu } from '../hypervisor/hypervisor.js';
import type { MachineTime } from './clock.js';
import type { ExitHash } from './exit-hash.js';
import type { MsrPolicy } from './msr-policy.js';
import type { StopLatch } from './stop.js';

/** Why a slice ended: its share is used up, `limit` is reached, the guest waits for the host, or the machine has stopped. */
export type SliceEnd = 'ran' | 'limit' | 'idle' | 'stopped';

/** A guest that only talks to devices would else never let go of the thread. */
const EXITS_A_SLICE = 10_000;
/** Detail of a HLT with interrupts off: as in bhyve, that is the end. */
const HALTED_FOR_EVER = 1;
const SPURIOUS = 0xff;

export interface ExitLoopParts {
  readonly engine: Pick<Engine, 'run' | 'safepoint' | 'vcpu' | 'exited'>;
  readonly time: MachineTime;
  readonly ports: PortBus;
  readonly mmio: MemoryBus;
  /** Null where the engine's own answer, and never ask. */
  readonly pic: Pic8259 | null;
  readonly ioapic: IoApic | null;
  readonly msrs: MsrPolicy;
  readonly stop: StopLatch;
  readonly hash: ExitHash | null;
}

export class ExitLoop {
  /** Exits since this process has the machine, by kind. For people who watch: no state of the guest's. */
  readonly counts = new Float64Array(EXIT_KINDS.length);
  /** Where the engine reads how far it may run. */
  private readonly order: ExitSlot;

  constructor(private readonly parts: ExitLoopParts) {
    this.order = parts.engine.vcpu.slot;
  }

  /** Runs for a few milliseconds at most, and never past the VM time `limit`. */
  slice(limit: bigint): SliceEnd {
    const { engine, time, stop } = this.parts;
    for (let exits = 0; exits < EXITS_A_SLICE; exits += 1) {
      if (stop.isSet) return 'stopped';
      this.order.deadline = time.deadline(limit);
      const kind = engine.run();
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      if (kind === ExitKind.None || kind === ExitKind.Woken) return 'ran';
      if (kind === ExitKind.Deadline) {
        if (this.reached(limit)) return 'limit';
      } else if (kind === ExitKind.Hlt) {
        if (!this.halted(limit)) return stop.isSet ? 'stopped' : 'idle';
      } else {
        this.answer(kind);
      }
    }
    return 'ran';
  }

  /** Brings all vCPUs between two instructions, where they can be saved. */
  safepoint(): void {
    const { engine } = this.parts;
    for (let kind = engine.safepoint(); kind !== ExitKind.None && kind !== ExitKind.Hlt; kind = engine.safepoint()) {
      this.answer(kind);
    }
  }

  /** An exit without alarms is there for `limit` only and no doing of the guest's: the hash leaves it out. */
  private reached(limit: bigint): boolean {
    const { slot } = this.parts.engine.exited;
    const { time } = slot;
    if (this.parts.time.fireDue(time)) this.parts.hash?.add(slot);
    return time >= limit;
  }

  /** False if the machine is not to be run again at once. */
  private halted(limit: bigint): boolean {
    const { engine, time, stop, hash } = this.parts;
    const { slot } = engine.exited;
    hash?.add(slot);
    if (slot.detail === HALTED_FOR_EVER) stop.set({ kind: 'halted' });
    return !stop.isSet && time.skipIdle(limit);
  }

  private answer(kind: ExitKind): void {
    const { engine, ports, mmio, pic, ioapic, msrs, stop, hash } = this.parts;
    const vcpu: Vcpu = engine.exited; // what is answered may make another's exit follow
    const { slot } = vcpu;
    switch (kind) {
      case ExitKind.PortRead:
        slot.data = ports.read(slot.address, slot.narrowWidth);
        break;
      case ExitKind.PortWrite:
        ports.write(slot.address, slot.narrowWidth, slot.data);
        break;
      case ExitKind.MmioRead:
        if (slot.width === 8) slot.data64 = mmio.read64(slot.address);
        else slot.data = mmio.read(slot.address, slot.narrowWidth);
        break;
      case ExitKind.MmioWrite:
        if (slot.width === 8) mmio.write64(slot.address, slot.data64);
        else mmio.write(slot.address, slot.narrowWidth, slot.data);
        break;
      case ExitKind.MsrRead:
      case ExitKind.MsrWrite:
        msrs.answer(slot);
        break;
      case ExitKind.InterruptAcknowledge:
        slot.data = pic?.acknowledge() ?? SPURIOUS;
        break;
      case ExitKind.Eoi:
        ioapic?.eoi(slot.address);
        break;
      case ExitKind.Shutdown:
        stop.set({ kind: 'triple-fault' });
        break;
      case ExitKind.Error:
        stop.set({ kind: 'error', message: `at RIP ${hex(slot.rip)}: ${vcpu.errorText()}` });
        break;
      case ExitKind.None:
      case ExitKind.Hlt:
      case ExitKind.Deadline:
      case ExitKind.Woken:
      case ExitKind.Debug:
        stop.set({ kind: 'error', message: `the engine stopped with exit ${kind}, detail ${slot.detail}` });
    }
    hash?.add(slot);
  }
}
