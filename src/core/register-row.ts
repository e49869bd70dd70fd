// SPDX-License-Identifier: BSD-2-Clause
import { MASK64, mask, type Width } from './bits.js';
import { IntegerField, WideIntegerField } from './fields/integer.js';
import type { Fields } from './state-fields.js';

/** One row of a register table; `T` is what the register holds. */
interface RowBase<State, Owner, T> {
  readonly at: number;
  /** The register's name in the data sheet. */
  readonly name: string;
  /** Only in this bank; without it, in every bank. */
  readonly bank?: number;
  /** The state field behind the register. `get` and `set` take precedence. */
  readonly field?: keyof State & string;
  readonly get?: (state: State, owner: Owner) => T;
  readonly set?: (state: State, value: T, owner: Owner) => void;
  /** Like `get` but without side effects; needed only where `get` has some. */
  readonly peek?: (state: State, owner: Owner) => T;
  /** The bits of `field` that a write changes; without it, all that the field may hold. */
  readonly writeMask?: T;
  readonly readOnly?: boolean;
  /** A write to a part of the register fills the rest with zeros: for bits that are cleared or triggered by ones. */
  readonly zeroFill?: boolean;
  /** Runs after every write. */
  readonly after?: (owner: Owner, state: State) => void;
}

export interface NarrowRow<State, Owner> extends RowBase<State, Owner, number> {
  readonly width?: Width;
}

export interface WideRow<State, Owner> extends RowBase<State, Owner, bigint> {
  readonly width: 8;
}

export type RegisterRow<State, Owner> = NarrowRow<State, Owner> | WideRow<State, Owner>;

/** A row made ready for access. */
export interface Row<State, Owner> {
  readonly at: number;
  readonly name: string;
  readonly width: number;
  read(state: State, owner: Owner): number;
  write(state: State, owner: Owner, value: number): void;
  read64(state: State, owner: Owner): bigint;
  write64(state: State, owner: Owner, value: bigint): void;
  /** The bits from byte `skip` on, at most 32 of them. */
  readPart(state: State, owner: Owner, skip: number, peek: boolean): number;
  writePart(state: State, owner: Owner, skip: number, count: number, value: number): void;
}

export function compileRow<State extends object, Owner>(
  fields: Fields,
  row: RegisterRow<State, Owner>,
): Row<State, Owner> {
  if (!Number.isSafeInteger(row.at) || row.at < 0) {
    throw new RangeError(`register ${row.name}: expected an offset of 0 or more, got ${row.at}`);
  }
  return row.width === 8 ? compileWide(fields, row) : compileNarrow(fields, row);
}

function compileNarrow<State extends object, Owner>(fields: Fields, row: NarrowRow<State, Owner>): Row<State, Owner> {
  const width = row.width ?? 1;
  let writable = mask(width);
  if (row.field !== undefined) {
    const field = fields[row.field];
    if (!(field instanceof IntegerField) || field.min < 0 || field.bits > width * 8) {
      throw new TypeError(
        `register ${row.name}: field ${row.field} is not an unsigned integer of at most ${width} bytes`,
      );
    }
    if (isDirect(row)) requireOnlyMasked(row.name, row.field, field.onlyMasked);
    writable = field.mask;
  }
  return new NarrowRegister(row, width, (writable & (row.writeMask ?? writable)) >>> 0);
}

function compileWide<State extends object, Owner>(fields: Fields, row: WideRow<State, Owner>): Row<State, Owner> {
  let writable = MASK64;
  if (row.field !== undefined) {
    const field = fields[row.field];
    if (!(field instanceof WideIntegerField)) {
      throw new TypeError(`register ${row.name}: field ${row.field} is not a 64-bit integer`);
    }
    if (isDirect(row)) requireOnlyMasked(row.name, row.field, field.onlyMasked);
    writable = field.mask;
  }
  return new WideRegister(row, writable & (row.writeMask ?? writable));
}

function isDirect<State, Owner>(row: RegisterRow<State, Owner>): boolean {
  return row.set === undefined && row.readOnly !== true;
}

function requireOnlyMasked(name: string, field: string, onlyMasked: boolean): void {
  if (onlyMasked) return;
  throw new RangeError(`register ${name}: a guest could write an illegal value to ${field}; give it a set function`);
}

/** A register of 1, 2 or 4 bytes. All rows share one hidden class, which keeps the access path monomorphic. */
class NarrowRegister<State extends object, Owner> implements Row<State, Owner> {
  readonly at: number;
  readonly name: string;
  private readonly key: string | undefined;
  private readonly get: NarrowRow<State, Owner>['get'];
  private readonly set: NarrowRow<State, Owner>['set'];
  private readonly look: NarrowRow<State, Owner>['peek'];
  private readonly after: NarrowRow<State, Owner>['after'];
  private readonly readOnly: boolean;
  private readonly zeroFill: boolean;
  private readonly ones: number;

  constructor(
    row: NarrowRow<State, Owner>,
    readonly width: Width,
    private readonly writable: number,
  ) {
    this.at = row.at;
    this.name = row.name;
    this.key = row.field;
    this.get = row.get;
    this.set = row.set;
    this.look = row.peek ?? row.get;
    this.after = row.after;
    this.readOnly = row.readOnly ?? false;
    this.zeroFill = row.zeroFill ?? false;
    this.ones = mask(width);
  }

  read(state: State, owner: Owner): number {
    if (this.get !== undefined) return (this.get(state, owner) & this.ones) >>> 0;
    return this.key === undefined ? 0 : (numbers(state)[this.key] ?? 0);
  }

  write(state: State, owner: Owner, value: number): void {
    if (this.readOnly) return;
    if (this.set !== undefined) this.set(state, value, owner);
    else if (this.key !== undefined) {
      const values = numbers(state);
      values[this.key] = (((values[this.key] ?? 0) & ~this.writable) | (value & this.writable)) >>> 0;
    }
    if (this.after !== undefined) this.after(owner, state);
  }

  read64(state: State, owner: Owner): bigint {
    return BigInt(this.read(state, owner));
  }

  write64(state: State, owner: Owner, value: bigint): void {
    this.write(state, owner, Number(BigInt.asUintN(8 * this.width, value)));
  }

  readPart(state: State, owner: Owner, skip: number, peek: boolean): number {
    return (peek ? this.peek(state, owner) : this.read(state, owner)) >>> (8 * skip);
  }

  writePart(state: State, owner: Owner, skip: number, count: number, value: number): void {
    const whole = count === this.width;
    const part = ((1 << (8 * count)) - 1) << (8 * skip);
    const rest = whole || this.zeroFill ? 0 : this.peek(state, owner) & ~part;
    this.write(state, owner, (rest | (value << (8 * skip))) >>> 0);
  }

  private peek(state: State, owner: Owner): number {
    return this.look === undefined ? this.read(state, owner) : (this.look(state, owner) & this.ones) >>> 0;
  }
}

/** A register of 8 bytes. */
class WideRegister<State extends object, Owner> implements Row<State, Owner> {
  readonly width = 8;
  readonly at: number;
  readonly name: string;

  constructor(
    private readonly row: WideRow<State, Owner>,
    private readonly writable: bigint,
  ) {
    this.at = row.at;
    this.name = row.name;
  }

  read(state: State, owner: Owner): number {
    return Number(BigInt.asUintN(32, this.read64(state, owner)));
  }

  write(state: State, owner: Owner, value: number): void {
    this.writePart(state, owner, 0, 4, value);
  }

  read64(state: State, owner: Owner): bigint {
    const { get, field } = this.row;
    if (get !== undefined) return BigInt.asUintN(64, get(state, owner));
    return field === undefined ? 0n : (bigints(state)[field] ?? 0n);
  }

  write64(state: State, owner: Owner, value: bigint): void {
    const { set, field, readOnly, after } = this.row;
    if (readOnly) return;
    if (set !== undefined) set(state, value, owner);
    else if (field !== undefined) {
      const values = bigints(state);
      values[field] = ((values[field] ?? 0n) & ~this.writable) | (value & this.writable);
    }
    after?.(owner, state);
  }

  readPart(state: State, owner: Owner, skip: number, peek: boolean): number {
    const value = peek ? this.peek64(state, owner) : this.read64(state, owner);
    return Number(BigInt.asUintN(32, value >> BigInt(8 * skip)));
  }

  writePart(state: State, owner: Owner, skip: number, count: number, value: number): void {
    const shift = BigInt(8 * skip);
    const part = ((1n << BigInt(8 * count)) - 1n) << shift;
    const rest = this.row.zeroFill ? 0n : this.peek64(state, owner) & ~part;
    this.write64(state, owner, rest | (BigInt(value >>> 0) << shift));
  }

  private peek64(state: State, owner: Owner): bigint {
    const { peek } = this.row;
    return peek === undefined ? this.read64(state, owner) : BigInt.asUintN(64, peek(state, owner));
  }
}

/** Rows name only fields that `compileRow` has found to be integers. */
function numbers(state: object): Record<string, number> {
  return state as Record<string, number>;
}

/** Rows name only fields that `compileRow` has found to be 64-bit integers. */
function bigints(state: object): Record<string, bigint> {
  return state as Record<string, bigint>;
}
