// SPDX-License-Identifier: BSD-2-Clause
/**
 * A function's configuration space as state: 256 bytes that guests change only where the layout allows it.
 * Reference: PCI-3.0 chapter 6.
 */
import { hex, type Width } from '../../src/core/bits.js';
import type { CborValue } from '../../src/core/cbor-value.js';
import { BaseField, type FieldDescription } from '../../src/core/fields/field.js';
import { got, StateError } from '../../src/core/state-error.js';
import { CONFIG_LENGTH, type ConfigLayout } from './config-layout.js';

/** The state field. A saved space whose fixed bits differ belongs to another function, and is refused. */
class ConfigField extends BaseField<Uint8Array> {
  constructor(private readonly layout: ConfigLayout) {
    super({ doc: 'PCI configuration space' });
  }

  override initial(): Uint8Array {
    return this.layout.initial.slice();
  }

  override check(value: unknown, path: string): Uint8Array {
    if (!(value instanceof Uint8Array) || value.length !== CONFIG_LENGTH) {
      throw new StateError(path, `expected ${CONFIG_LENGTH} bytes, got ${got(value)}`);
    }
    for (let at = 0; at < CONFIG_LENGTH; at++) {
      const changeable = byteAt(this.layout.writable, at) | byteAt(this.layout.clearable, at);
      const fixed = byteAt(this.layout.initial, at) & ~changeable;
      if ((byteAt(value, at) & ~changeable) !== fixed) {
        const fixedBits = `${hex(fixed, 2)} in the bits of ${hex(~changeable & 0xff, 2)}`;
        throw new StateError(`${path}[${hex(at, 2)}]`, `expected ${fixedBits}, got ${hex(byteAt(value, at), 2)}`);
      }
    }
    return value.slice();
  }

  override save(value: Uint8Array): CborValue {
    return value.slice();
  }

  protected override details(): FieldDescription {
    return { type: 'bytes', length: CONFIG_LENGTH };
  }
}

export function configSpace(layout: ConfigLayout): ConfigField {
  return new ConfigField(layout);
}

/** The value at `offset`; bytes past the end read as ones. */
export function readConfig(config: Uint8Array, offset: number, width: Width): number {
  let value = 0;
  for (let i = 0; i < width; i++) value |= (config[offset + i] ?? 0xff) << (8 * i);
  return value >>> 0;
}

/** A guest's write: changes writable bits, clears clearable bits that are written as ones, leaves the rest. */
export function writeConfig(
  layout: ConfigLayout,
  config: Uint8Array,
  offset: number,
  width: Width,
  value: number,
): void {
  for (let at = offset; at < offset + width && at < CONFIG_LENGTH; at++) {
    const written = (value >>> (8 * (at - offset))) & 0xff;
    const writable = byteAt(layout.writable, at);
    const kept = byteAt(config, at) & ~writable & ~(written & byteAt(layout.clearable, at));
    config[at] = kept | (written & writable);
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
