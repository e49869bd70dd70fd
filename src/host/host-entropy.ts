// SPDX-License-Identifier: BSD-2-Clause
import { randomFillSync } from 'node:crypto';
import type { EntropySource } from '../../devices/virtio/entropy-source.js';

/** The host's random bytes: no two runs get the same ones. */
export const hostEntropy: EntropySource = { fill: (bytes) => void randomFillSync(bytes) };
