// SPDX-License-Identifier: BSD-2-Clause
import { hex } from '../bits.js';
import type { CborValue } from '../cbor-value.js';
import { got, StateError } from '../state-error.js';
import { BaseField, type FieldDescription, type FieldOptions } from './field.js';

export interface IntegerOptions<T> extends FieldOptions {
  readonly initial?: T;
  /** The bits that may ever be set. */
  readonly mask?: T;
  readonly min?: T;
  readonly max?: T;
}

/** An integer of up to 32 bits. */
export class IntegerField extends BaseField<number> {
  readonly mask: number;
  readonly min: number;
  readonly max: number;
  private readonly first: number;
  private readonly masked: boolean;

  constructor(
    private readonly type: string,
    readonly bits: 8 | 16 | 32,
    signed: boolean,
    options: IntegerOptions<number>,
  ) {
    super(options);
    const range = 2 ** bits;
    this.min = options.min ?? (signed ? -range / 2 : 0);
    this.max = options.max ?? (signed ? range / 2 - 1 : range - 1);
    this.mask = options.mask ?? range - 1;
    this.masked = options.mask !== undefined;
    this.first = this.check(options.initial ?? Math.max(this.min, 0), `initial ${type}`);
  }

  override initial(): number {
    return this.first;
  }

  /** True if every value within `mask` is legal: then a guest may write the field directly. */
  get onlyMasked(): boolean {
    return this.min === 0 && this.max >= this.mask;
  }

  override check(value: unknown, path: string): number {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < this.min || value > this.max) {
      throw new StateError(path, `expected an integer from ${this.min} to ${this.max}, got ${got(value)}`);
    }
    if (this.masked && (value & ~this.mask) !== 0) {
      throw new StateError(path, `expected only bits of ${hex(this.mask)}, got ${hex(value)}`);
    }
    return value;
  }

  override save(value: number): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return {
      type: this.type,
      initial: String(this.first),
      min: String(this.min),
      max: String(this.max),
      ...(this.masked && { mask: hex(this.mask) }),
    };
  }
}

/** An integer of 64 bits. */
export class WideIntegerField extends BaseField<bigint> {
  readonly mask: bigint;
  readonly min: bigint;
  readonly max: bigint;
  private readonly first: bigint;
  private readonly masked: boolean;

  constructor(
    private readonly type: string,
    signed: boolean,
    options: IntegerOptions<bigint>,
  ) {
    super(options);
    this.min = options.min ?? (signed ? -(1n << 63n) : 0n);
    this.max = options.max ?? (signed ? (1n << 63n) - 1n : (1n << 64n) - 1n);
    this.mask = options.mask ?? (1n << 64n) - 1n;
    this.masked = options.mask !== undefined;
    this.first = this.check(options.initial ?? (this.min > 0n ? this.min : 0n), `initial ${type}`);
  }

  override initial(): bigint {
    return this.first;
  }

  /** True if every value within `mask` is legal: then a guest may write the field directly. */
  get onlyMasked(): boolean {
    return this.min === 0n && this.max >= this.mask;
  }

  override check(value: unknown, path: string): bigint {
    if (typeof value !== 'bigint' || value < this.min || value > this.max) {
      throw new StateError(path, `expected a 64-bit integer from ${this.min} to ${this.max}, got ${got(value)}`);
    }
    if (this.masked && (value & ~this.mask) !== 0n) {
      throw new StateError(path, `expected only bits of ${hex(this.mask)}, got ${hex(value)}`);
    }
    return value;
  }

  override save(value: bigint): CborValue {
    return value;
  }

  /** Saved integers below 2^53 come back from CBOR as numbers. */
  override load(saved: CborValue, path: string): bigint {
    return this.check(typeof saved === 'number' && Number.isSafeInteger(saved) ? BigInt(saved) : saved, path);
  }

  protected override details(): FieldDescription {
    return {
      type: this.type,
      initial: String(this.first),
      min: String(this.min),
      max: String(this.max),
      ...(this.masked && { mask: hex(this.mask) }),
    };
  }
}

export function u8(options: IntegerOptions<number> = {}): IntegerField {
  return new IntegerField('u8', 8, false, options);
}

export function u16(options: IntegerOptions<number> = {}): IntegerField {
  return new IntegerField('u16', 16, false, options);
}

export function u32(options: IntegerOptions<number> = {}): IntegerField {
  return new IntegerField('u32', 32, false, options);
}

export function i32(options: Omit<IntegerOptions<number>, 'mask'> = {}): IntegerField {
  return new IntegerField('i32', 32, true, options);
}

export function u64(options: IntegerOptions<bigint> = {}): WideIntegerField {
  return new WideIntegerField('u64', false, options);
}

export function i64(options: Omit<IntegerOptions<bigint>, 'mask'> = {}): WideIntegerField {
  return new WideIntegerField('i64', true, options);
}
