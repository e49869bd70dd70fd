// SPDX-License-Identifier: BSD-2-Clause
import { createHash } from 'node:crypto';
import { GENERATION_BYTES } from '../../devices/acpi/vm-generation.js';

/** The generation id at power-on belongs to the VM, so that two cold boots under the virtual clock are the same. */
export function generationIdOf(uuid: string): Uint8Array {
  return createHash('sha256')
    .update(`tsbhyve vm generation ${uuid.toLowerCase()}`)
    .digest()
    .subarray(0, GENERATION_BYTES);
}
