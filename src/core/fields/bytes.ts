// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from '../cbor-value.js';
import { got, StateError } from '../state-error.js';
import { BaseField, type FieldDescription, type FieldOptions } from './field.js';

export interface BytesOptions extends FieldOptions {
  readonly initial?: Uint8Array;
}

class BytesField extends BaseField<Uint8Array> {
  private readonly first: Uint8Array;

  constructor(
    private readonly length: number,
    options: BytesOptions,
  ) {
    super(options);
    this.first = this.check(options.initial ?? new Uint8Array(length), 'initial bytes');
  }

  override initial(): Uint8Array {
    return this.first.slice();
  }

  override check(value: unknown, path: string): Uint8Array {
    if (!(value instanceof Uint8Array) || value.length !== this.length) {
      throw new StateError(path, `expected ${this.length} bytes, got ${got(value)}`);
    }
    return Uint8Array.from(value);
  }

  override save(value: Uint8Array): CborValue {
    return value.slice();
  }

  protected override details(): FieldDescription {
    return { type: 'bytes', length: this.length };
  }
}

export interface BoundedOptions extends FieldOptions {
  readonly max: number;
}

class BlobField extends BaseField<Uint8Array> {
  private readonly max: number;

  constructor(options: BoundedOptions) {
    super(options);
    this.max = options.max;
  }

  override initial(): Uint8Array {
    return new Uint8Array(0);
  }

  override check(value: unknown, path: string): Uint8Array {
    return boundedBytes(value, this.max, path).slice();
  }

  override save(value: Uint8Array): CborValue {
    return value.slice();
  }

  protected override details(): FieldDescription {
    return { type: 'blob', maxLength: this.max };
  }
}

/** A string with a byte in each character. */
class ByteTextField extends BaseField<string> {
  private readonly max: number;

  constructor(options: BoundedOptions) {
    super(options);
    this.max = options.max;
  }

  override initial(): string {
    return '';
  }

  override check(value: unknown, path: string): string {
    if (typeof value !== 'string' || /[^\0-\xff]/.test(value)) {
      throw new StateError(path, `expected a string of bytes, got ${got(value)}`);
    }
    if (value.length > this.max) throw new StateError(path, `expected at most ${this.max} bytes, got ${value.length}`);
    return value;
  }

  override save(value: string): CborValue {
    return Uint8Array.from(value, (character) => character.charCodeAt(0));
  }

  override load(saved: CborValue, path: string): string {
    return Array.from(boundedBytes(saved, this.max, path), (byte) => String.fromCharCode(byte)).join('');
  }

  protected override details(): FieldDescription {
    return { type: 'blob', maxLength: this.max };
  }
}

class ByteListField extends BaseField<number[]> {
  private readonly max: number;

  constructor(options: BoundedOptions) {
    super(options);
    this.max = options.max;
  }

  override initial(): number[] {
    return [];
  }

  override check(value: unknown, path: string): number[] {
    if (!Array.isArray(value)) throw new StateError(path, `expected a list of bytes, got ${got(value)}`);
    const bad = value.findIndex((byte) => !Number.isInteger(byte) || byte < 0 || byte > 0xff);
    if (bad >= 0) throw new StateError(`${path}[${bad}]`, `expected a byte, got ${got(value[bad])}`);
    return Array.from(boundedBytes(Uint8Array.from(value), this.max, path));
  }

  override save(value: number[]): CborValue {
    return Uint8Array.from(value);
  }

  override load(saved: CborValue, path: string): number[] {
    return Array.from(boundedBytes(saved, this.max, path));
  }

  protected override details(): FieldDescription {
    return { type: 'byteList', maxLength: this.max };
  }
}

function boundedBytes(value: unknown, max: number, path: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new StateError(path, `expected bytes, got ${got(value)}`);
  if (value.length > max) throw new StateError(path, `expected at most ${max} bytes, got ${value.length}`);
  return value;
}

/** A fixed number of bytes, such as a register file or CMOS. */
export function bytes(length: number, options: BytesOptions = {}): BytesField {
  return new BytesField(length, options);
}

/** A byte string of varying length. */
export function blob(options: BoundedOptions): BlobField {
  return new BlobField(options);
}

/** A short queue of bytes, kept as a `number[]` for `push` and `shift`; saved as a byte string. */
export function byteList(options: BoundedOptions): ByteListField {
  return new ByteListField(options);
}

/** A short byte string that programs treat as text, such as a path of a host: a byte in each character. */
export function byteText(options: BoundedOptions): ByteTextField {
  return new ByteTextField(options);
}
