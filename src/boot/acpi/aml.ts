// SPDX-License-Identifier: BSD-2-Clause
/**
 * A writer for the part of AML our DSDT uses. Reference: ACPI 6.5 chapter 20, "ACPI Machine Language".
 * Each function returns one encoded term; terms nest by argument.
 */
export type Aml = readonly number[];

const ZERO_OP = 0x00;
const ONE_OP = 0x01;
const NULL_TARGET: Aml = [0x00];

/** 20.2.4: the length counts its own bytes; one byte holds 6 bits, longer forms 4 bits and then 8 each. */
function packageOf(body: Aml): Aml {
  if (body.length + 1 < 0x40) {
    return [body.length + 1, ...body];
  }
  for (let extra = 1; extra <= 3; extra++) {
    const length = body.length + 1 + extra;
    if (length < 1 << (4 + 8 * extra)) {
      const rest = Array.from({ length: extra }, (_, index) => (length >> (4 + 8 * index)) & 0xff);
      return [(extra << 6) | (length & 0xf), ...rest, ...body];
    }
  }
  throw new RangeError(`an AML package of ${body.length} bytes is too long`);
}

/** 20.2.2: `\_SB.PCI0`, `^PIRA` or `_HID`; segments are padded to four characters. */
export function nameString(path: string): Aml {
  const [, prefix = '', rest = ''] = /^([\\^]*)(.*)$/.exec(path) ?? [];
  const segments = rest === '' ? [] : rest.split('.');
  const encoded = segments.flatMap((segment) => ascii(segment.padEnd(4, '_')));
  const count =
    segments.length === 0
      ? [0x00]
      : segments.length === 1
        ? []
        : segments.length === 2
          ? [0x2e]
          : [0x2f, segments.length];
  return [...ascii(prefix), ...count, ...encoded];
}

export function integer(value: number | bigint): Aml {
  const wide = BigInt(value);
  if (wide === 0n) return [ZERO_OP];
  if (wide === 1n) return [ONE_OP];
  if (wide <= 0xffn) return [0x0a, ...littleEndian(wide, 1)];
  if (wide <= 0xffffn) return [0x0b, ...littleEndian(wide, 2)];
  if (wide <= 0xffffffffn) return [0x0c, ...littleEndian(wide, 4)];
  return [0x0e, ...littleEndian(wide, 8)];
}

export function littleEndian(value: number | bigint, width: number): Aml {
  const wide = BigInt(value);
  return Array.from({ length: width }, (_, index) => Number((wide >> BigInt(8 * index)) & 0xffn));
}

export function string(text: string): Aml {
  return [0x0d, ...ascii(text), 0x00];
}

/** 19.3.4: a compressed EISA identifier such as PNP0501. */
export function eisaId(id: string): Aml {
  const letters = ascii(id.slice(0, 3)).reduce((sum, letter) => (sum << 5) | (letter - 0x40), 0);
  const product = Number.parseInt(id.slice(3), 16);
  return [0x0c, letters >> 8, letters & 0xff, product >> 8, product & 0xff];
}

// Named objects (20.2.5)

export function name(path: string, value: Aml): Aml {
  return [0x08, ...nameString(path), ...value];
}

export function scope(path: string, ...terms: readonly Aml[]): Aml {
  return [0x10, ...packageOf([...nameString(path), ...terms.flat()])];
}

export function device(path: string, ...terms: readonly Aml[]): Aml {
  return [0x5b, 0x82, ...packageOf([...nameString(path), ...terms.flat()])];
}

export function method(path: string, options: { args?: number; serialized?: boolean }, ...terms: readonly Aml[]): Aml {
  const flags = (options.args ?? 0) | (options.serialized ? 0x08 : 0);
  return [0x14, ...packageOf([...nameString(path), flags, ...terms.flat()])];
}

export function packageList(...elements: readonly Aml[]): Aml {
  return [0x12, ...packageOf([elements.length, ...elements.flat()])];
}

export function buffer(bytes: Aml): Aml {
  return [0x11, ...packageOf([...integer(bytes.length), ...bytes])];
}

const PCI_CONFIG_SPACE = 0x02;

export function pciConfigRegion(path: string, offset: number, length: number): Aml {
  return [0x5b, 0x80, ...nameString(path), PCI_CONFIG_SPACE, ...integer(offset), ...integer(length)];
}

/** Byte-access fields in order; a name of null leaves a gap of that many bits. Fields are under 64 bits wide. */
export function byteFields(region: string, fields: readonly { name: string | null; bits: number }[]): Aml {
  const BYTE_ACCESS_NO_LOCK_PRESERVE = 0x01;
  const list = fields.flatMap((field) => [...(field.name === null ? [0x00] : nameString(field.name)), field.bits]);
  return [0x5b, 0x81, ...packageOf([...nameString(region), BYTE_ACCESS_NO_LOCK_PRESERVE, ...list])];
}

/** 19.6.142: the first three groups are little-endian, the others are bytes in order. */
export function uuid(text: string): Aml {
  const [a = '', b = '', c = '', ...rest] = text.split('-');
  const bytes = [a, b, c].map((group) => [...Buffer.from(group, 'hex')].reverse());
  return buffer([...bytes.flat(), ...Buffer.from(rest.join(''), 'hex')]);
}

export function createDWordField(source: Aml, byteIndex: number, path: string): Aml {
  return [0x8a, ...source, ...integer(byteIndex), ...nameString(path)];
}

export function createWordField(source: Aml, byteIndex: number, path: string): Aml {
  return [0x8b, ...source, ...integer(byteIndex), ...nameString(path)];
}

// Statements and expressions

export const arg0: Aml = [0x68];
export const args: readonly [Aml, Aml, Aml, Aml] = [arg0, [0x69], [0x6a], [0x6b]];
export const local0: Aml = [0x60];

export const ref = nameString;
export const store = (value: Aml, target: Aml): Aml => [0x70, ...value, ...target];
export const and = (left: Aml, right: Aml): Aml => [0x7b, ...left, ...right, ...NULL_TARGET];
export const or = (left: Aml, right: Aml): Aml => [0x7d, ...left, ...right, ...NULL_TARGET];
export const equal = (left: Aml, right: Aml): Aml => [0x93, ...left, ...right];
export const not = (value: Aml): Aml => [0x92, ...value];
export const shiftLeft = (value: Aml, count: Aml): Aml => [0x79, ...value, ...count, ...NULL_TARGET];
export const decrement = (target: Aml): Aml => [0x76, ...target];
export const findSetRightBit = (value: Aml, target: Aml): Aml => [0x82, ...value, ...target];
export const notify = (object: Aml, value: Aml): Aml => [0x86, ...object, ...value];
export const returnValue = (value: Aml): Aml => [0xa4, ...value];
export const ifTrue = (condition: Aml, ...terms: readonly Aml[]): Aml => [
  0xa0,
  ...packageOf([...condition, ...terms.flat()]),
];
export const otherwise = (...terms: readonly Aml[]): Aml => [0xa1, ...packageOf(terms.flat())];

function ascii(text: string): number[] {
  return [...Buffer.from(text, 'latin1')];
}
