// SPDX-License-Identifier: BSD-2-Clause
import type { AnyShape } from '../src/core/state-shape.js';

/** The state of every kind of device; nested shapes are found through their owners. */
export const shapes: readonly AnyShape[] = [];
