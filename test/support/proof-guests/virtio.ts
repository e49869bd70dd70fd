// SPDX-License-Identifier: BSD-2-Clause
/** Pieces of a small driver of virtio devices: the modern interface on PCI, and split rings. Reference: VIRTIO-1.2 §4.1 and §2.7. */
import type { GuestMemory } from '../../../src/core/guest-memory.js';
import type { GuestCode } from '../guest-code.js';

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const COMMAND = 0x04;
const DECODE_AND_MASTER = 0x0006;
const MSIX_BAR = 0x14;
const MODERN_BAR = 0x20;
/** The first capability: MSI-X or MSI. */
const CAPABILITY = 0x40;

const COMMON = 0xd000_0000;
const [ISR_OFFSET, DEVICE_OFFSET, NOTIFY_OFFSET, MSIX_OFFSET] = [0x1000, 0x2000, 0x3000, 0x1_0000];
export const ISR = COMMON + ISR_OFFSET;
export const DEVICE = COMMON + DEVICE_OFFSET;

const MESSAGE_ADDRESS = 0xfee0_0000;
const LAPIC_EOI = 0xfee0_00b0;

const [ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK] = [1, 2, 4, 8];
const [NEXT, WRITABLE] = [1, 2];
const NO_INTERRUPT = 1;

export interface Buffer {
  readonly address: number;
  readonly length: number;
}

/** All buffers that a driver will ever offer, each with descriptors of its own: they lie there before it starts. */
export class PlannedRing {
  private readonly descriptors: { buffer: Buffer; flags: number }[] = [];
  private readonly heads: number[] = [];

  /** `size` is the one that the device offers. */
  constructor(
    readonly index: number,
    readonly size: number,
    private readonly isSilent = false,
    readonly table = 0x11_0000 + 0x4000 * index,
  ) {}

  get available(): number {
    return this.table + 0x1000;
  }

  get used(): number {
    return this.table + 0x2000;
  }

  add(out: readonly Buffer[], into: readonly Buffer[]): void {
    this.heads.push(this.descriptors.length);
    const all = [
      ...out.map((buffer) => ({ buffer, flags: 0 })),
      ...into.map((buffer) => ({ buffer, flags: WRITABLE })),
    ];
    all.forEach(({ buffer, flags }, index) => {
      this.descriptors.push({ buffer, flags: index < all.length - 1 ? flags | NEXT : flags });
    });
    if (this.descriptors.length > this.size)
      throw new Error(`more than ${this.size} descriptors in ring ${this.index}`);
  }

  get count(): number {
    return this.heads.length;
  }

  write(memory: GuestMemory): void {
    this.descriptors.forEach(({ buffer: { address, length }, flags }, index) => {
      const at = this.table + 16 * index;
      memory.writeU64(at, BigInt(address));
      memory.writeU32(at + 8, length);
      memory.writeU16(at + 12, flags);
      memory.writeU16(at + 14, index + 1);
    });
    memory.writeU16(this.available, this.isSilent ? NO_INTERRUPT : 0);
    this.heads.forEach((head, index) => {
      memory.writeU16(this.available + 4 + 2 * index, head);
    });
  }
}

/** Writes the code of a driver. */
export class DriverCode {
  constructor(
    readonly code: GuestCode,
    private readonly slot: number,
    private readonly registers = COMMON,
  ) {}

  config(register: number, value: number, width: 1 | 2 | 4): this {
    this.code
      .out(CONFIG_ADDRESS, (0x8000_0000 | (this.slot << 11) | (register & ~3)) >>> 0, 4)
      .out(CONFIG_DATA + (register & 3), value, width);
    return this;
  }

  common(register: number, value: number, width: 1 | 2 | 4): this {
    this.code.store(this.registers + register, value, width);
    return this;
  }

  placeBars(): this {
    return this.config(MSIX_BAR, this.registers + MSIX_OFFSET, 4)
      .config(MODERN_BAR, this.registers, 4)
      .config(COMMAND, DECODE_AND_MASTER, 2);
  }

  negotiate(features: bigint): this {
    this.common(0x14, ACKNOWLEDGE, 1).common(0x14, ACKNOWLEDGE | DRIVER, 1);
    for (const half of [0, 1]) {
      this.common(0x00, half, 4).code.load(this.registers + 0x04);
      this.common(0x08, half, 4).common(0x0c, Number((features >> BigInt(32 * half)) & 0xffff_ffffn), 4);
    }
    return this.common(0x14, ACKNOWLEDGE | DRIVER | FEATURES_OK, 1);
  }

  /** `vector` is that of MSI-X, if the device has that. */
  setUp(ring: PlannedRing, vector: number): this {
    return this.common(0x16, ring.index, 2)
      .common(0x18, ring.size, 2)
      .common(0x1a, vector, 2)
      .common(0x20, ring.table, 4)
      .common(0x28, ring.available, 4)
      .common(0x30, ring.used, 4)
      .common(0x1c, 1, 2);
  }

  start(): this {
    return this.common(0x14, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK, 1);
  }

  /** What was added to the ring by now. */
  offer(ring: PlannedRing): this {
    this.code
      .store(ring.available + 2, ring.count, 2)
      .store(this.registers + NOTIFY_OFFSET + 4 * ring.index, ring.index, 2);
    return this;
  }

  waitFor(ring: PlannedRing, count = ring.count): this {
    this.code.haltUntil(ring.used + 2, count);
    return this;
  }

  /** The same without interrupts. */
  pollFor(ring: PlannedRing, count = ring.count): this {
    this.code.pollUntil(ring.used + 2, count);
    return this;
  }

  /** Keeps what the device says of interrupts, and takes it. */
  readIsr(): this {
    this.code.load(this.registers + ISR_OFFSET, 1);
    return this;
  }

  msixVector(entry: number, vector: number): this {
    const at = this.registers + MSIX_OFFSET + 16 * entry;
    this.code
      .store(at, MESSAGE_ADDRESS)
      .store(at + 4, 1) // where no interrupts are
      .store(at + 4, 0)
      .store(at + 8, vector)
      .store(at + 12, 0);
    return this;
  }

  maskMsix(entry: number, isMasked: boolean): this {
    this.code.store(this.registers + MSIX_OFFSET + 16 * entry + 12, Number(isMasked));
    return this;
  }

  enableMsix(): this {
    return this.config(CAPABILITY + 2, 0x8000, 2);
  }

  /** With a mask and 64-bit addresses, PCI-3.0 §6.8.1. */
  enableMsi(vector: number): this {
    return this.config(CAPABILITY + 4, MESSAGE_ADDRESS, 4)
      .config(CAPABILITY + 0xc, vector, 2)
      .config(CAPABILITY + 2, 1, 2);
  }

  maskMsi(isMasked: boolean): this {
    return this.config(CAPABILITY + 0x10, Number(isMasked), 4);
  }

  /** Marks that a vector came, and ends the interrupt. */
  handler(vector: number, acknowledge: () => void = () => {}): this {
    this.code.handler(vector).bytes(0x50, 0x53, 0x52, 0xb0, vector, 0xaa); // push rax, rbx, rdx; mov al,vector; stosb
    acknowledge();
    this.code.store(LAPIC_EOI, 0).bytes(0x5a, 0x5b, 0x58).iret();
    return this;
  }
}
