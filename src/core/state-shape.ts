// SPDX-License-Identifier: BSD-2-Clause
import { type CborMap, type CborValue, isMap } from './cbor-value.js';
import { checkFields, loadFields, mapFields, saveFields } from './fields/composite.js';
import {
  BaseField,
  describeAll,
  type Field,
  type FieldDescription,
  type Fields,
  type ShapeDescription,
  type StateOf,
} from './fields/field.js';
import { got, joinPath, StateError } from './state-error.js';

export type { Fields, ShapeDescription, StateOf } from './fields/field.js';

/** One saved object: what it is, which version of its declaration wrote it, and the values. */
export type SavedState = { kind: string; version: number; fields: CborMap };

/** What lists of shapes of all kinds need to know about each. */
export interface AnyShape {
  readonly kind: string;
  readonly version: number;
  describe(): ShapeDescription;
  /** What was saved by any version that can be loaded, as this version saves it. */
  upgraded(saved: CborValue, path?: string): SavedState;
}

/** Turns the saved fields of one version into those of the next. */
export type Upgrade = (old: CborMap) => CborMap;

export interface ShapeOptions<F extends Fields> {
  /** Rules between fields: throws a `StateError` whose path is relative to this shape. */
  check?(state: StateOf<F>): void;
  /** `upgrades[1]` leads from version 1 to version 2. */
  readonly upgrades?: Readonly<Record<number, Upgrade>>;
  readonly doc?: string;
}

/** The one declaration of a device's state, from which first value, reset, saving, loading and documents follow. */
export class StateShape<F extends Fields> implements AnyShape {
  private readonly oldest: number;

  constructor(
    readonly kind: string,
    readonly version: number,
    readonly fields: F,
    private readonly options: ShapeOptions<F> = {},
  ) {
    if (!Number.isSafeInteger(version) || version < 1) {
      throw new StateError(kind, `expected a version of 1 or more, got ${version}`);
    }
    this.oldest = oldestVersion(kind, version, options.upgrades ?? {});
  }

  initial(): StateOf<F> {
    return mapFields(this.fields, (field) => field.initial());
  }

  /** An illegal live state is refused here, and not first when somebody needs the snapshot. */
  save(state: StateOf<F>, path = this.kind): SavedState {
    const checked = checkFields(this.fields, state, path);
    this.checkTogether(checked, path);
    return { kind: this.kind, version: this.version, fields: saveFields(this.fields, checked) };
  }

  /** Builds a whole new state, or throws and leaves everything as it was. */
  load(saved: CborValue, path = this.kind): StateOf<F> {
    const state = loadFields(this.fields, this.currentFields(saved, path), path);
    this.checkTogether(state, path);
    return state;
  }

  afterReset(state: StateOf<F>): StateOf<F> {
    return mapFields(this.fields, (field, name) => field.afterReset(state[name]));
  }

  describe(): ShapeDescription {
    return {
      kind: this.kind,
      version: this.version,
      oldest: this.oldest,
      ...(this.options.doc !== undefined && { doc: this.options.doc }),
      fields: describeAll(this.fields),
    };
  }

  upgraded(saved: CborValue, path = this.kind): SavedState {
    return { kind: this.kind, version: this.version, fields: this.currentFields(saved, path) };
  }

  private currentFields(saved: CborValue, path: string): CborMap {
    const { version, fields } = this.header(saved, path);
    let current = fields;
    for (let from = version; from < this.version; from += 1) current = this.upgrade(current, from, path);
    return current;
  }

  private header(saved: CborValue, path: string): SavedState {
    if (!isMap(saved)) throw new StateError(path, `expected a saved ${this.kind}, got ${got(saved)}`);
    const { kind, version, fields, ...others } = saved;
    if (kind !== this.kind) throw new StateError(path, `expected kind ${this.kind}, got ${got(kind)}`);
    if (typeof version !== 'number' || version < 1) {
      throw new StateError(joinPath(path, 'version'), `expected a version of 1 or more, got ${got(version)}`);
    }
    if (version > this.version || version < this.oldest) {
      const known = this.oldest === this.version ? `${this.version}` : `${this.oldest} to ${this.version}`;
      const age = version > this.version ? 'a newer' : 'an unsupported older';
      throw new StateError(path, `saved as ${age} version of ${kind}: expected version ${known}, got ${version}`);
    }
    if (!isMap(fields)) throw new StateError(joinPath(path, 'fields'), `expected a map, got ${got(fields)}`);
    for (const name of Object.keys(others)) throw new StateError(joinPath(path, name), 'unknown part of a saved state');
    return { kind, version, fields };
  }

  private upgrade(old: CborMap, from: number, path: string): CborMap {
    const step = this.options.upgrades?.[from];
    if (step === undefined) throw new StateError(path, `no upgrade from version ${from} of ${this.kind}`);
    try {
      return step(old);
    } catch (cause) {
      // A step reads fields that nobody has checked yet, so any failure of it is the fault of the input.
      throw new StateError(path, `version ${from} of ${this.kind} could not be upgraded`, { cause });
    }
  }

  private checkTogether(state: StateOf<F>, path: string): void {
    try {
      this.options.check?.(state);
    } catch (error) {
      throw error instanceof StateError ? error.within(path) : error;
    }
  }
}

/** A shape inside another one, saved with its own kind and version. */
export function nested<F extends Fields>(shape: StateShape<F>): Field<StateOf<F>> {
  return new NestedField(shape);
}

class NestedField<F extends Fields> extends BaseField<StateOf<F>> {
  constructor(private readonly shape: StateShape<F>) {
    super({});
  }

  override initial(): StateOf<F> {
    return this.shape.initial();
  }

  override check(value: unknown, path: string): StateOf<F> {
    const state = checkFields(this.shape.fields, value, path);
    this.shape.save(state, path);
    return state;
  }

  override save(value: StateOf<F>): CborValue {
    return this.shape.save(value);
  }

  override load(saved: CborValue, path: string): StateOf<F> {
    return this.shape.load(saved, path);
  }

  override afterReset(value: StateOf<F>): StateOf<F> {
    return this.shape.afterReset(value);
  }

  protected override details(): FieldDescription {
    return { type: 'nested', shape: this.shape.describe() };
  }
}

/** Upgrade steps must lead without a gap to the current version. */
function oldestVersion(kind: string, version: number, upgrades: Readonly<Record<number, Upgrade>>): number {
  const steps = Object.keys(upgrades).map(Number);
  const oldest = version - steps.length;
  for (let from = oldest; from < version; from += 1) {
    if (!Object.hasOwn(upgrades, from)) throw new StateError(kind, `upgrades lack a step from version ${from}`);
  }
  return oldest;
}
