// SPDX-License-Identifier: BSD-2-Clause
/**
 * MSI with 64-bit addresses and masks for each vector: address, data and masks stand in configuration space.
 * Reference: PCI-3.0 §6.8.1. The pending bits are the device's to change, so they are a field of their own.
 */
import type { Width } from '../../src/core/bits.js';
import { u32 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import type { Capability } from './config-layout.js';
import { readConfig } from './config-space.js';
import type { MessageParts } from './message-parts.js';

export const MSI_CAPABILITY = 0x05;

const MESSAGE_CONTROL = 0x02;
const MESSAGE_ADDRESS = 0x04;
const MESSAGE_UPPER_ADDRESS = 0x08;
const MESSAGE_DATA = 0x0c;
const MASK_BITS = 0x10;
const PENDING_BITS = 0x14;
const LENGTH = 0x18;

const ENABLE = 0x0001;
const MULTIPLE_ENABLE = 0x0070;
const ADDRESS_64 = 0x0080;
const PER_VECTOR_MASKS = 0x0100;

export const msiShape = new StateShape('pci-msi', 1, {
  pending: u32({ doc: 'vectors to be sent as soon as nothing masks them' }),
});
export type MsiState = StateOf<typeof msiShape.fields>;

/** `vectors` is a power of two up to 32. */
export function msiCapability(vectors: 1 | 2 | 4 | 8 | 16 | 32): Capability {
  const capable = Math.log2(vectors) << 1;
  const masks = 2 ** vectors - 1;
  return {
    id: MSI_CAPABILITY,
    length: LENGTH,
    registers: [
      {
        at: MESSAGE_CONTROL,
        width: 2,
        initial: ADDRESS_64 | PER_VECTOR_MASKS | capable,
        writable: ENABLE | MULTIPLE_ENABLE,
      },
      { at: MESSAGE_ADDRESS, width: 4, writable: 0xfffffffc },
      { at: MESSAGE_UPPER_ADDRESS, width: 4, writable: 0xffffffff },
      { at: MESSAGE_DATA, width: 2, writable: 0xffff },
      { at: MASK_BITS, width: 4, writable: masks },
      { at: PENDING_BITS, width: 4 },
    ],
  };
}

export class Msi {
  constructor(private readonly parts: MessageParts<MsiState>) {}

  /** While it is, the function must not use its INTx pin. */
  get enabled(): boolean {
    return (this.register(MESSAGE_CONTROL, 2) & ENABLE) !== 0;
  }

  trigger(vector: number): void {
    if (!this.enabled || vector >= this.parts.vectors) return;
    const state = this.parts.state();
    state.pending = (state.pending | (1 << vector)) >>> 0;
    this.masksChanged();
  }

  /** Sends what nothing masks any more; to be called after each write to configuration space. */
  masksChanged(): void {
    if (!this.enabled || !this.parts.mayWrite()) return;
    const state = this.parts.state();
    const ready = (state.pending & ~this.register(MASK_BITS, 4)) >>> 0;
    state.pending = (state.pending & ~ready) >>> 0;
    for (let vector = 0; vector < this.parts.vectors; vector += 1) {
      if ((ready >>> vector) & 1) this.send(vector);
    }
  }

  /** What a read of configuration space gives, with the pending bits in it. */
  overlay(offset: number, width: Width, value: number): number {
    const { capability, state } = this.parts;
    if (capability === null) return value;
    const at = capability + PENDING_BITS;
    let shown = value;
    for (let index = 0; index < width; index += 1) {
      const byte = offset + index - at;
      if (byte < 0 || byte > 3) continue;
      shown |= ((state().pending >>> (8 * byte)) & 0xff) << (8 * index);
    }
    return shown >>> 0;
  }

  /** Software may grant fewer vectors than there are: the device then shares them (§6.8.3.4). */
  private send(vector: number): void {
    if (this.register(MESSAGE_UPPER_ADDRESS, 4) !== 0) return;
    const granted = Math.min(1 << ((this.register(MESSAGE_CONTROL, 2) & MULTIPLE_ENABLE) >> 4), this.parts.vectors);
    const data = this.register(MESSAGE_DATA, 2);
    const low = granted - 1;
    this.parts.sink.send(this.register(MESSAGE_ADDRESS, 4), (data & ~low) | (vector & low));
  }

  private register(offset: number, width: Width): number {
    const { config, capability } = this.parts;
    return capability === null ? 0 : readConfig(config(), capability + offset, width);
  }
}
