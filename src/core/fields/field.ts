// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from '../cbor-value.js';

/** One declared piece of state: its first value, its legal values, its saved form, and whether a reset keeps it. */
export interface Field<T> {
  readonly keepOnReset: boolean;
  /** What has no value is not written at all: a name that came after its document's format was frozen. */
  readonly isOmitted: boolean;
  initial(): T;
  /** Returns a copy that is safe to keep, or throws a `StateError` that names `path`. */
  check(value: unknown, path: string): T;
  save(value: T): CborValue;
  load(saved: CborValue, path: string): T;
  afterReset(value: T): T;
  describe(): FieldDescription;
}

export type Fields = Record<string, Field<unknown>>;

/** The state that a set of fields declares. */
export type StateOf<F extends Fields> = { -readonly [K in keyof F]: ReturnType<F[K]['initial']> };

export interface FieldOptions {
  readonly keepOnReset?: boolean;
  readonly doc?: string;
  readonly unit?: string;
}

/** A field as plain JSON, for documents, diffs and the lock file. Numbers are text: they may have 64 bits. */
export type FieldDescription = {
  readonly type: string;
  readonly initial?: string;
  readonly min?: string;
  readonly max?: string;
  readonly mask?: string;
  readonly length?: number;
  readonly maxLength?: number;
  readonly values?: readonly string[];
  readonly element?: FieldDescription;
  readonly shape?: ShapeDescription;
  readonly fields?: Readonly<Record<string, FieldDescription>>;
  readonly hostRelative?: true;
  readonly keepOnReset?: true;
  readonly unit?: string;
  readonly doc?: string;
};

/** A whole declaration of state as plain JSON. */
export type ShapeDescription = {
  readonly kind: string;
  readonly version: number;
  /** The oldest version that can still be loaded. */
  readonly oldest: number;
  readonly doc?: string;
  readonly fields: Readonly<Record<string, FieldDescription>>;
};

/** The parts that every kind of field shares. */
export abstract class BaseField<T> implements Field<T> {
  readonly keepOnReset: boolean;
  readonly isOmitted: boolean = false;
  private readonly doc: string | undefined;
  private readonly unit: string | undefined;

  constructor(options: FieldOptions) {
    this.keepOnReset = options.keepOnReset ?? false;
    this.doc = options.doc;
    this.unit = options.unit;
  }

  abstract initial(): T;
  abstract check(value: unknown, path: string): T;
  abstract save(value: T): CborValue;
  protected abstract details(): FieldDescription;

  load(saved: CborValue, path: string): T {
    return this.check(saved, path);
  }

  afterReset(value: T): T {
    return this.keepOnReset ? value : this.initial();
  }

  describe(): FieldDescription {
    return {
      ...this.details(),
      ...(this.keepOnReset && { keepOnReset: true }),
      ...(this.unit !== undefined && { unit: this.unit }),
      ...(this.doc !== undefined && { doc: this.doc }),
    };
  }
}

export function describeAll(fields: Fields): Record<string, FieldDescription> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.describe()]));
}
