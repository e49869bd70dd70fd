// SPDX-License-Identifier: BSD-2-Clause
/**
 * The exit slot: 64 bytes in which a vCPU says what it needs from the device model and reads the answer.
 * The layout is that of native/engine/exit_slot.h; reading it allocates nothing but the bigints that are asked for.
 */
import type { Width } from '../core/bits.js';

export const EXIT_SLOT_LENGTH = 64;

export const ExitKind = {
  None: 0,
  PortRead: 1,
  PortWrite: 2,
  MmioRead: 3,
  MmioWrite: 4,
  MsrRead: 5,
  MsrWrite: 6,
  Hlt: 7,
  InterruptAcknowledge: 8,
  Eoi: 9,
  Shutdown: 10,
  Deadline: 11,
  Woken: 12,
  Debug: 13,
  Error: 14,
} as const;

/** Their names, each at the index of its number. */
export const EXIT_KINDS = Object.keys(ExitKind) as readonly (keyof typeof ExitKind)[]; // in the order of the table above

export type ExitKind = (typeof ExitKind)[keyof typeof ExitKind];

/** What `deadline` is when nothing is due. */
export const NEVER = 0x7fff_ffff_ffff_ffffn;

/** Word (4-byte) and quad (8-byte) indexes of the fields. */
const KIND = 0;
const WIDTH = 1;
const ADDRESS = 2;
const DATA = 4;
const REFUSED = 6;
const DETAIL = 7;
const DATA_QUAD = 2;
const INSTRUCTIONS_QUAD = 4;
const TIME_QUAD = 5;
const RIP_QUAD = 6;
const DEADLINE_QUAD = 7;

const HIGH = 2 ** 32;

/** Typed access to one slot. All supported hosts are little-endian, as the engine is. */
export class ExitSlot {
  private readonly words: Uint32Array;
  private readonly quads: BigInt64Array;
  private readonly unsignedQuads: BigUint64Array;

  constructor(buffer: ArrayBuffer) {
    this.words = new Uint32Array(buffer, 0, EXIT_SLOT_LENGTH / 4);
    this.quads = new BigInt64Array(buffer, 0, EXIT_SLOT_LENGTH / 8);
    this.unsignedQuads = new BigUint64Array(buffer, 0, EXIT_SLOT_LENGTH / 8);
  }

  get kind(): ExitKind {
    return this.word(KIND) as ExitKind; // written by the engine, whose list this is
  }

  set kind(kind: ExitKind) {
    this.words[KIND] = kind;
  }

  /** Bytes: 1, 2, 4 or 8. */
  get width(): number {
    return this.word(WIDTH);
  }

  set width(width: number) {
    this.words[WIDTH] = width;
  }

  /** `width` of an access that is not 8 bytes wide. */
  get narrowWidth(): Width {
    const width = this.word(WIDTH);
    return width === 1 || width === 2 ? width : 4;
  }

  /** Port, guest physical address, MSR number or vector. */
  get address(): number {
    return this.word(ADDRESS) + this.word(ADDRESS + 1) * HIGH;
  }

  set address(address: number) {
    this.words[ADDRESS] = address;
    this.words[ADDRESS + 1] = Math.floor(address / HIGH);
  }

  /** Low half of the value written. */
  get data(): number {
    return this.word(DATA);
  }

  /** Answers a read; sets the high half to zero. */
  set data(value: number) {
    this.words[DATA] = value;
    this.words[DATA + 1] = 0;
  }

  get dataHigh(): number {
    return this.word(DATA + 1);
  }

  get data64(): bigint {
    return this.unsignedQuads[DATA_QUAD] ?? 0n;
  }

  set data64(value: bigint) {
    this.unsignedQuads[DATA_QUAD] = value;
  }

  /** True answers an MSR exit with #GP(0). */
  set refused(refused: boolean) {
    this.words[REFUSED] = refused ? 1 : 0;
  }

  get refused(): boolean {
    return this.word(REFUSED) !== 0;
  }

  get detail(): number {
    return this.word(DETAIL);
  }

  set detail(detail: number) {
    this.words[DETAIL] = detail;
  }

  /** Instructions that the vCPU had retired at the exit. */
  get instructions(): bigint {
    return this.unsignedQuads[INSTRUCTIONS_QUAD] ?? 0n;
  }

  set instructions(count: bigint) {
    this.unsignedQuads[INSTRUCTIONS_QUAD] = count;
  }

  /** VM time at the exit in nanoseconds. */
  get time(): bigint {
    return this.quads[TIME_QUAD] ?? 0n;
  }

  set time(time: bigint) {
    this.quads[TIME_QUAD] = time;
  }

  get rip(): bigint {
    return this.unsignedQuads[RIP_QUAD] ?? 0n;
  }

  set rip(rip: bigint) {
    this.unsignedQuads[RIP_QUAD] = rip;
  }

  /** In the slot of the first vCPU: absolute VM time at which the next `run()` is to end. */
  get deadline(): bigint {
    return this.quads[DEADLINE_QUAD] ?? 0n;
  }

  set deadline(time: bigint) {
    this.quads[DEADLINE_QUAD] = time;
  }

  /** Kind, instruction count, RIP, address, data and width as they lie in memory, for a running hash. */
  word(index: number): number {
    return this.words[index] ?? 0;
  }
}
