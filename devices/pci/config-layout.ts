// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a function's 256 bytes of configuration space hold at reset, and which of their bits software may change.
 * Reference: PCI-3.0 = PCI Local Bus Specification 3.0, chapter 6; type 1 headers: PCI-BRIDGE-1.2, chapter 3.
 */
import { hex, type Width } from '../../src/core/bits.js';

export const CONFIG_LENGTH = 256;

export const COMMAND = 0x04;
export const COMMAND_IO = 0x0001;
export const COMMAND_MEMORY = 0x0002;
export const COMMAND_MASTER = 0x0004;
export const COMMAND_INTX_DISABLE = 0x0400;
const COMMAND_WRITABLE = 0x0547; // I/O, memory, master, parity response, SERR#, INTx disable

export const STATUS = 0x06;
export const STATUS_INTERRUPT = 0x0008;
const STATUS_CAPABILITIES = 0x0010;
const STATUS_ERRORS = 0xf900; // cleared by writing ones

const CAPABILITIES_POINTER = 0x34;
const FIRST_CAPABILITY = 0x40;

/** One register: bits of `writable` take what is written, bits of `clearable` are cleared by writing ones, the rest is fixed. */
export interface RegisterSpec {
  readonly at: number;
  readonly width: Width;
  readonly initial?: number;
  readonly writable?: number;
  readonly clearable?: number;
}

export interface Identity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revisionId?: number;
  /** Base class, sub-class and programming interface, as in 0x060100. */
  readonly classCode: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 1 to 4 = INTA# to INTD#; absent = the function has no interrupt pin. */
  readonly interruptPin?: 1 | 2 | 3 | 4;
  readonly multiFunction?: boolean;
}

export interface Capability {
  readonly id: number;
  /** Bytes, header included. */
  readonly length: number;
  /** Offsets count from the start of the capability. */
  readonly registers: readonly RegisterSpec[];
}

export class ConfigLayout {
  readonly initial = new Uint8Array(CONFIG_LENGTH);
  readonly writable = new Uint8Array(CONFIG_LENGTH);
  readonly clearable = new Uint8Array(CONFIG_LENGTH);
  private readonly capabilityOffsets = new Map<number, number>();

  constructor(registers: readonly RegisterSpec[], capabilities: readonly Capability[] = []) {
    for (const register of registers) this.place(register, 0);
    this.chain(capabilities);
  }

  /** Where the capability with this id begins. */
  capability(id: number): number | undefined {
    return this.capabilityOffsets.get(id);
  }

  private place(register: RegisterSpec, base: number): void {
    const at = base + register.at;
    if (at + register.width > CONFIG_LENGTH) throw new RangeError(`configuration register ${hex(at)} ends past 0xff`);
    for (let i = 0; i < register.width; i++) {
      this.initial[at + i] = (register.initial ?? 0) >>> (8 * i);
      this.writable[at + i] = (register.writable ?? 0) >>> (8 * i);
      this.clearable[at + i] = (register.clearable ?? 0) >>> (8 * i);
    }
  }

  /** PCI-3.0 §6.7: a linked list whose entries are dword aligned. */
  private chain(capabilities: readonly Capability[]): void {
    let pointer = CAPABILITIES_POINTER;
    let next = FIRST_CAPABILITY;
    for (const { id, length, registers } of capabilities) {
      if (next + length > CONFIG_LENGTH) throw new RangeError(`capability ${hex(id)} ends past 0xff`);
      this.initial[STATUS] = (this.initial[STATUS] ?? 0) | STATUS_CAPABILITIES;
      this.initial[pointer] = next;
      this.initial[next] = id;
      for (const register of registers) this.place(register, next);
      this.capabilityOffsets.set(id, next);
      pointer = next + 1;
      next = (next + length + 3) & ~3;
    }
  }
}

/** The part that both header types share (PCI-3.0 §6.1). */
function commonHeader(identity: Identity, headerType: number): RegisterSpec[] {
  return [
    { at: 0x00, width: 2, initial: identity.vendorId },
    { at: 0x02, width: 2, initial: identity.deviceId },
    { at: COMMAND, width: 2, writable: COMMAND_WRITABLE },
    { at: STATUS, width: 2, clearable: STATUS_ERRORS },
    { at: 0x08, width: 4, initial: (identity.classCode * 0x100 + (identity.revisionId ?? 0)) >>> 0 },
    { at: 0x0c, width: 1, writable: 0xff }, // cache line size
    { at: 0x0d, width: 1, writable: 0xff }, // latency timer
    { at: 0x0e, width: 1, initial: headerType | (identity.multiFunction ? 0x80 : 0) },
    { at: 0x3c, width: 1, writable: 0xff }, // interrupt line: a note from firmware to drivers
    { at: 0x3d, width: 1, initial: identity.interruptPin ?? 0 },
  ];
}

/** An ordinary function (PCI-3.0 §6.1). Its BAR registers come from `barRegisters`. */
export function headerType0(identity: Identity): RegisterSpec[] {
  return [
    ...commonHeader(identity, 0x00),
    { at: 0x2c, width: 2, initial: identity.subsystemVendorId ?? 0 },
    { at: 0x2e, width: 2, initial: identity.subsystemId ?? 0 },
  ];
}

/** A PCI-to-PCI bridge with 16-bit I/O and 64-bit prefetchable windows (PCI-BRIDGE-1.2 chapter 3). */
export function headerType1(identity: Identity): RegisterSpec[] {
  return [
    ...commonHeader(identity, 0x01),
    { at: 0x18, width: 4, writable: 0xffffffff }, // primary, secondary and subordinate bus, secondary latency timer
    { at: 0x1c, width: 2, writable: 0xf0f0 }, // I/O base and limit
    { at: 0x1e, width: 2, clearable: STATUS_ERRORS }, // secondary status
    { at: 0x20, width: 4, writable: 0xfff0fff0 }, // memory base and limit
    { at: 0x24, width: 4, initial: 0x00010001, writable: 0xfff0fff0 }, // prefetchable base and limit
    { at: 0x28, width: 4, writable: 0xffffffff }, // prefetchable base, upper half
    { at: 0x2c, width: 4, writable: 0xffffffff }, // prefetchable limit, upper half
    { at: 0x3e, width: 2, writable: 0x005f }, // bridge control
  ];
}
