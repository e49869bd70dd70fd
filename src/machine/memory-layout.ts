// SPDX-License-Identifier: BSD-2-Clause
/** Where RAM lies, for the engine. The address map itself is in src/boot/memory-map.ts, which firmware tables share. */
import { HIGHMEM_BASE, type RamLayout, ramLayout } from '../boot/memory-map.js';
import type { EngineMemory } from '../hypervisor/hypervisor.js';
import { ConfigError } from './config-error.js';

export function layoutFor(size: number): RamLayout {
  try {
    return ramLayout(size);
  } catch (cause) {
    throw new ConfigError('memory', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export function engineMemory({ low, high }: RamLayout): EngineMemory[] {
  return [{ base: 0, length: low }, ...(high > 0 ? [{ base: HIGHMEM_BASE, length: high }] : [])];
}
