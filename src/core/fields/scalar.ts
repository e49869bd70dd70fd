// SPDX-License-Identifier: BSD-2-Clause
import type { CborValue } from '../cbor-value.js';
import { got, StateError } from '../state-error.js';
import { BaseField, type FieldDescription, type FieldOptions } from './field.js';

interface Initial<T> extends FieldOptions {
  readonly initial?: T;
}

class BoolField extends BaseField<boolean> {
  private readonly first: boolean;

  constructor(options: Initial<boolean>) {
    super(options);
    this.first = options.initial ?? false;
  }

  override initial(): boolean {
    return this.first;
  }

  override check(value: unknown, path: string): boolean {
    if (typeof value !== 'boolean') throw new StateError(path, `expected true or false, got ${got(value)}`);
    return value;
  }

  override save(value: boolean): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return { type: 'bool', initial: String(this.first) };
  }
}

class ChoiceField<T extends string> extends BaseField<T> {
  private readonly first: T;

  constructor(
    private readonly values: readonly T[],
    options: Initial<T>,
  ) {
    super(options);
    this.first = this.check(options.initial ?? values[0], 'initial choice');
  }

  override initial(): T {
    return this.first;
  }

  override check(value: unknown, path: string): T {
    const found = this.values.find((candidate) => candidate === value);
    if (found === undefined) throw new StateError(path, `expected one of ${this.values.join(', ')}, got ${got(value)}`);
    return found;
  }

  override save(value: T): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return { type: 'choice', initial: this.first, values: this.values };
  }
}

export interface HostStringOptions extends Initial<string> {
  /** Longest accepted text, in UTF-16 units. */
  readonly max?: number;
}

const HOST_STRING_MAX = 4096;

class HostStringField extends BaseField<string> {
  private readonly max: number;
  private readonly first: string;

  constructor(options: HostStringOptions) {
    super({ keepOnReset: true, ...options });
    this.max = options.max ?? HOST_STRING_MAX;
    this.first = this.check(options.initial ?? '', 'initial host string');
  }

  override initial(): string {
    return this.first;
  }

  override check(value: unknown, path: string): string {
    if (typeof value !== 'string' || value.length > this.max) {
      throw new StateError(path, `expected a text of at most ${this.max} characters, got ${got(value)}`);
    }
    return value;
  }

  override save(value: string): CborValue {
    return value;
  }

  protected override details(): FieldDescription {
    return { type: 'hostString', initial: this.first, maxLength: this.max, hostRelative: true };
  }
}

export function bool(options: Initial<boolean> = {}): BoolField {
  return new BoolField(options);
}

/** One of a few names; the first is the initial value unless another is given. */
export function oneOf<const T extends string>(values: readonly T[], options: Initial<NoInfer<T>> = {}): ChoiceField<T> {
  return new ChoiceField(values, options);
}

/** A text with a meaning on this host only, such as a path: listed before a restore, and replaceable there. */
export function hostString(options: HostStringOptions = {}): HostStringField {
  return new HostStringField(options);
}
