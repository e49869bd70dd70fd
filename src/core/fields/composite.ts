// SPDX-License-Identifier: BSD-2-Clause
import { type CborMap, type CborValue, isMap } from '../cbor-value.js';
import { got, joinPath, StateError } from '../state-error.js';
import {
  BaseField,
  describeAll,
  type Field,
  type FieldDescription,
  type FieldOptions,
  type Fields,
  type StateOf,
} from './field.js';

export type ListOptions<T> = FieldOptions & { readonly initial?: readonly T[] } & (
    | { readonly length: number }
    | { readonly max: number }
  );

class ListField<T> extends BaseField<T[]> {
  private readonly length: number | null;
  private readonly max: number;
  private readonly first: readonly T[] | undefined;

  constructor(
    private readonly element: Field<T>,
    options: ListOptions<T>,
  ) {
    super(options);
    this.length = 'length' in options ? options.length : null;
    this.max = 'length' in options ? options.length : options.max;
    this.first = options.initial && this.check(options.initial, 'initial list');
  }

  override initial(): T[] {
    if (this.first !== undefined) return this.check(this.first, 'initial list');
    return Array.from({ length: this.length ?? 0 }, () => this.element.initial());
  }

  override check(value: unknown, path: string): T[] {
    if (!Array.isArray(value)) throw new StateError(path, `expected a list, got ${got(value)}`);
    this.checkLength(value.length, path);
    return value.map((item, index) => this.element.check(item, `${path}[${index}]`));
  }

  override save(value: T[]): CborValue {
    return value.map((item) => this.element.save(item));
  }

  override load(saved: CborValue, path: string): T[] {
    if (!Array.isArray(saved)) throw new StateError(path, `expected a list, got ${got(saved)}`);
    this.checkLength(saved.length, path);
    return saved.map((item, index) => this.element.load(item, `${path}[${index}]`));
  }

  /** The elements of a fixed list are reset one by one, so that an element may keep a part of itself. */
  override afterReset(value: T[]): T[] {
    if (this.keepOnReset) return value;
    if (this.length === null || this.first !== undefined) return this.initial();
    return value.map((item) => this.element.afterReset(item));
  }

  protected override details(): FieldDescription {
    return {
      type: 'list',
      ...(this.length === null ? { maxLength: this.max } : { length: this.length }),
      element: this.element.describe(),
    };
  }

  private checkLength(count: number, path: string): void {
    if (this.length !== null && count !== this.length) {
      throw new StateError(path, `expected ${this.length} items, got ${count}`);
    }
    if (count > this.max) throw new StateError(path, `expected at most ${this.max} items, got ${count}`);
  }
}

type OptionalOptions = FieldOptions & { readonly isOmitted?: boolean };

class OptionalField<T> extends BaseField<T | null> {
  override readonly isOmitted: boolean;

  constructor(
    private readonly present: Field<T>,
    options: OptionalOptions,
  ) {
    super(options);
    this.isOmitted = options.isOmitted ?? false;
  }

  override initial(): T | null {
    return null;
  }

  override check(value: unknown, path: string): T | null {
    return value === null ? null : this.present.check(value, path);
  }

  override save(value: T | null): CborValue {
    return value === null ? null : this.present.save(value);
  }

  override load(saved: CborValue, path: string): T | null {
    return saved === null ? null : this.present.load(saved, path);
  }

  protected override details(): FieldDescription {
    return { type: 'optional', element: this.present.describe() };
  }
}

class RecordField<F extends Fields> extends BaseField<StateOf<F>> {
  constructor(
    private readonly parts: F,
    options: FieldOptions,
  ) {
    super(options);
  }

  override initial(): StateOf<F> {
    return mapFields(this.parts, (field) => field.initial());
  }

  override check(value: unknown, path: string): StateOf<F> {
    return checkFields(this.parts, value, path);
  }

  override save(value: StateOf<F>): CborValue {
    return saveFields(this.parts, value);
  }

  override load(saved: CborValue, path: string): StateOf<F> {
    if (!isMap(saved)) throw new StateError(path, `expected a map, got ${got(saved)}`);
    return loadFields(this.parts, saved, path);
  }

  override afterReset(value: StateOf<F>): StateOf<F> {
    if (this.keepOnReset) return value;
    return mapFields(this.parts, (field, name) => field.afterReset(value[name]));
  }

  protected override details(): FieldDescription {
    return { type: 'record', fields: describeAll(this.parts) };
  }
}

/** Builds one value per field. */
export function mapFields<F extends Fields>(
  fields: F,
  make: (field: Field<unknown>, name: string) => unknown,
): StateOf<F> {
  const made: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) made[name] = make(field, name);
  return made as StateOf<F>; // built name by name from F itself
}

export function checkFields<F extends Fields>(fields: F, value: unknown, path: string): StateOf<F> {
  if (typeof value !== 'object' || value === null) throw new StateError(path, `expected a map, got ${got(value)}`);
  const values = new Map<string, unknown>(Object.entries(value));
  refuseUnknown(fields, values.keys(), path);
  return mapFields(fields, (field, name) => {
    if (!values.has(name)) throw new StateError(joinPath(path, name), 'missing');
    return field.check(values.get(name), joinPath(path, name));
  });
}

export function saveFields<F extends Fields>(fields: F, state: StateOf<F>): CborMap {
  const saved: CborMap = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!field.isOmitted || state[name] !== null) saved[name] = field.save(state[name]);
  }
  return saved;
}

export function loadFields<F extends Fields>(fields: F, saved: CborMap, path: string): StateOf<F> {
  refuseUnknown(fields, Object.keys(saved), path);
  return mapFields(fields, (field, name) => {
    const value = Object.hasOwn(saved, name) ? saved[name] : undefined;
    if (value === undefined && field.isOmitted) return field.initial();
    if (value === undefined) throw new StateError(joinPath(path, name), 'missing');
    return field.load(value, joinPath(path, name));
  });
}

function refuseUnknown(fields: Fields, names: Iterable<string>, path: string): void {
  for (const name of names) {
    if (Object.hasOwn(fields, name)) continue;
    throw new StateError(joinPath(path, name), `unknown; expected ${Object.keys(fields).join(', ') || 'no fields'}`);
  }
}

/** A list of a fixed length, or an initially empty one with a greatest length. */
export function list<T>(element: Field<T>, options: ListOptions<T>): Field<T[]> {
  return new ListField(element, options);
}

/** A value that may be absent (`null`), and is so at first; with `isOmitted` its name is absent too. */
export function optional<T>(present: Field<T>, options: OptionalOptions = {}): Field<T | null> {
  return new OptionalField(present, options);
}

/** A group of named fields. */
export function record<F extends Fields>(parts: F, options: FieldOptions = {}): Field<StateOf<F>> {
  return new RecordField(parts, options);
}
