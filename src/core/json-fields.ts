// SPDX-License-Identifier: BSD-2-Clause
/** Field types of documents in JSON, whose numbers are doubles. */
import type { CborValue } from './cbor.js';
import { BaseField, type Field, type FieldDescription, type FieldOptions } from './fields/field.js';
import { got, StateError } from './state-error.js';

interface TextOptions extends FieldOptions {
  readonly max?: number;
  readonly pattern?: RegExp;
  /** What the pattern accepts, in words. */
  readonly expected?: string;
  readonly initial?: string;
}

const TEXT_MAX = 4096;
const DECIMAL = /^(0|[1-9][0-9]{0,19})$/;

class TextField extends BaseField<string> {
  private readonly max: number;

  constructor(private readonly options: TextOptions) {
    super(options);
    this.max = options.max ?? TEXT_MAX;
  }

  override initial(): string {
    return this.options.initial ?? '';
  }

  override check(value: unknown, path: string): string {
    const { pattern, expected = `a text of at most ${this.max} characters` } = this.options;
    if (typeof value !== 'string' || value.length > this.max || (pattern !== undefined && !pattern.test(value))) {
      throw new StateError(path, `expected ${expected}, got ${got(value)}`);
    }
    return value;
  }

  override save(value: string): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return { type: 'text', initial: this.initial(), maxLength: this.max };
  }
}

class CountField extends BaseField<number> {
  override initial(): number {
    return 0;
  }

  override check(value: unknown, path: string): number {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new StateError(path, `expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}, got ${got(value)}`);
    }
    return value;
  }

  override save(value: number): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return { type: 'count', initial: '0', min: '0', max: String(Number.MAX_SAFE_INTEGER) };
  }
}

class DecimalField extends BaseField<bigint> {
  override initial(): bigint {
    return 0n;
  }

  override check(value: unknown, path: string): bigint {
    if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) {
      throw new StateError(path, `expected a 64-bit integer that is not negative, got ${got(value)}`);
    }
    return value;
  }

  override save(value: bigint): CborValue {
    return String(value);
  }

  override load(saved: CborValue, path: string): bigint {
    if (typeof saved !== 'string' || !DECIMAL.test(saved)) {
      throw new StateError(path, `expected a decimal number in a text, got ${got(saved)}`);
    }
    return this.check(BigInt(saved), path);
  }

  protected override details(): FieldDescription {
    return { type: 'decimal', initial: '0', min: '0', max: String((1n << 64n) - 1n) };
  }
}

export function text(options: TextOptions = {}): Field<string> {
  return new TextField(options);
}

/** An integer that a JSON number holds exactly. */
export function count(options: FieldOptions = {}): Field<number> {
  return new CountField(options);
}

/** Up to 64 bits, as digits in a text. */
export function decimal(options: FieldOptions = {}): Field<bigint> {
  return new DecimalField(options);
}

/** Lower-case hex digits of so many bytes. */
export function hexText(bytes: number, options: FieldOptions = {}): Field<string> {
  return text({
    ...options,
    max: bytes * 2,
    initial: '0'.repeat(bytes * 2),
    pattern: new RegExp(`^[0-9a-f]{${bytes * 2}}$`),
    expected: `${bytes * 2} hex digits`,
  });
}
