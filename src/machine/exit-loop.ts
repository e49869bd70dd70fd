// SPDX-License-Identifier: BSD-2-Clause
/**
 * Runs the vCPU and answers its exits: the innermost loop of the machine. On port and MMIO exits it allocates nothing.
 */
import type { IoApic } from '../../devices/isa/ioapic.js';
import type { Pic8259 } from '../../devices/isa/pic8259.js';
import type { VmClock } from '../core/clock.js';
import type { MemoryBus } from '../core/memory-bus.js';
import type { PortBus } from '../core/port-bus.js';
import { ExitKind, type ExitSlot, NEVER } from '../hypervisor/exit.js';
import type { Engine, Vcpu } from '../hypervisor/hypervisor.js';
import type { ExitHash } from './exit-hash.js';
import type { HostPace } from './host-pace.js';
import type { MsrPolicy } from './msr-policy.js';
import type { StopLatch } from './stop.js';

/** Why a slice ended: its share is used up, `limit` is reached, the guest waits for the host, or the machine has stopped. */
export type SliceEnd = 'ran' | 'limit' | 'idle' | 'stopped';

/** A guest that only talks to devices would else never let go of the thread. */
const EXITS_A_SLICE = 10_000;
/** Detail of a HLT with interrupts off: as in bhyve, that is the end. */
const HALTED_FOR_EVER = 1;

export interface ExitLoopParts {
  readonly engine: Engine;
  readonly clock: VmClock;
  readonly isVirtual: boolean;
  readonly ports: PortBus;
  readonly mmio: MemoryBus;
  readonly pic: Pic8259;
  readonly ioapic: IoApic;
  readonly msrs: MsrPolicy;
  readonly stop: StopLatch;
  readonly hash: ExitHash | null;
  /** Virtual clock: how far idle time may be skipped; null for any. */
  readonly pace: HostPace | null;
}

export class ExitLoop {
  private readonly vcpu: Vcpu;
  private readonly slot: ExitSlot;

  constructor(private readonly parts: ExitLoopParts) {
    this.vcpu = parts.engine.vcpu;
    this.slot = this.vcpu.slot;
  }

  /** Runs for a few milliseconds at most, and never past the VM time `limit`. */
  slice(limit: bigint): SliceEnd {
    const { stop } = this.parts;
    for (let exits = 0; exits < EXITS_A_SLICE; exits += 1) {
      if (stop.isSet) return 'stopped';
      this.slot.deadline = this.nextDeadline(limit);
      const kind = this.vcpu.run();
      if (kind === ExitKind.None || kind === ExitKind.Woken) return stop.isSet ? 'stopped' : 'ran';
      if (kind === ExitKind.Deadline) {
        if (this.deadline(limit)) return 'limit';
      } else if (kind === ExitKind.Hlt) {
        const end = this.halted(limit);
        if (end !== 'ran') return end;
      } else {
        this.answer(kind);
      }
    }
    return 'ran';
  }

  /** Brings the vCPU between two instructions, where it can be saved. */
  safepoint(): void {
    for (let kind = this.vcpu.safepoint(); kind !== ExitKind.None; kind = this.vcpu.safepoint()) {
      if (kind === ExitKind.Hlt) return;
      this.answer(kind);
    }
  }

  /** Nanoseconds of host time until something happens by itself in an idle machine; null if nothing will. */
  idleTime(): bigint | null {
    const next = this.nextEvent();
    if (next === NEVER) return null;
    const { pace, engine } = this.parts;
    const left = next - (pace?.now() ?? engine.getTime());
    return left > 0n ? left : 0n;
  }

  private nextEvent(): bigint {
    const alarm = this.parts.clock.nextDeadline() ?? NEVER;
    const inside = this.vcpu.nextDeadline();
    return inside < alarm ? inside : alarm;
  }

  private nextDeadline(limit: bigint): bigint {
    const alarm = this.parts.clock.nextDeadline();
    return alarm !== null && alarm < limit ? alarm : limit;
  }

  private deadline(limit: bigint): boolean {
    const { clock, hash } = this.parts;
    const alarm = clock.nextDeadline();
    if (alarm !== null && alarm <= this.slot.time) {
      hash?.add(this.slot);
      clock.fireDue();
    }
    return this.slot.time >= limit;
  }

  /** Under the virtual clock idle time is skipped; else the caller waits. */
  private halted(limit: bigint): SliceEnd {
    const { engine, isVirtual, hash, stop, pace } = this.parts;
    hash?.add(this.slot);
    if (this.slot.detail === HALTED_FOR_EVER) {
      stop.set({ kind: 'halted' });
      return 'stopped';
    }
    if (!isVirtual) return engine.getTime() >= limit ? 'limit' : 'idle';
    const next = this.nextEvent();
    const target = next < limit ? next : limit;
    if (target === NEVER || (pace !== null && target > pace.now())) return 'idle';
    if (target > engine.getTime()) engine.setTime(target);
    return 'ran';
  }

  private answer(kind: ExitKind): void {
    const { ports, mmio, pic, ioapic, msrs, stop, hash } = this.parts;
    const { slot } = this;
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
        slot.data = pic.acknowledge();
        break;
      case ExitKind.Eoi:
        ioapic.eoi(slot.address);
        break;
      case ExitKind.Shutdown:
        stop.set({ kind: 'triple-fault' });
        break;
      default:
        stop.set({ kind: 'error', message: `the engine stopped with exit ${kind}, detail ${slot.detail}` });
    }
    hash?.add(slot);
  }
}
