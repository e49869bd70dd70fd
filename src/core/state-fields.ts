// SPDX-License-Identifier: BSD-2-Clause
/** The words in which a device declares its state. */
export { type BoundedOptions, type BytesOptions, blob, byteList, bytes, byteText } from './fields/bytes.js';
export { type ListOptions, list, optional, record } from './fields/composite.js';
export type { Field, FieldDescription, FieldOptions, Fields, ShapeDescription, StateOf } from './fields/field.js';
export { type IntegerOptions, i32, i64, u8, u16, u32, u64 } from './fields/integer.js';
export { bool, type HostStringOptions, hostString, oneOf } from './fields/scalar.js';
