// SPDX-License-Identifier: BSD-2-Clause
/** CBOR in core deterministic encoding; see `cbor-value.ts` for what it may hold. */
export { type CborLimits, decode } from './cbor-decode.js';
export { encode } from './cbor-encode.js';
export { CborError, type CborMap, type CborValue, isMap } from './cbor-value.js';
