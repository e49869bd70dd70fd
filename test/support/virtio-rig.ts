// SPDX-License-Identifier: BSD-2-Clause
/** A virtio device on real buses, with memory in two pieces, and what it does to the outside recorded. */
import { BarDecoder } from '../../devices/pci/bars.js';
import type { Interfaces } from '../../devices/virtio/features.js';
import { VirtioPci } from '../../devices/virtio/transport-pci.js';
import type { VirtioKind, VirtioModel, VirtioPciFields } from '../../devices/virtio/virtio-kind.js';
import { GuestMemory } from '../../src/core/guest-memory.js';
import { nullLogger } from '../../src/core/log.js';
import { MemoryBus } from '../../src/core/memory-bus.js';
import { PortBus } from '../../src/core/port-bus.js';
import { Rig } from './rig.js';

export const LOW_SIZE = 0x40000;
/** Right behind the first piece, so that buffers can cross from one to the other. */
export const SECOND = LOW_SIZE;
export const MEMORY_END = LOW_SIZE + 0x40000;

export function newMemory(onWrite?: (address: number, length: number) => void): GuestMemory {
  const segments = [
    { base: 0, bytes: new Uint8Array(LOW_SIZE) },
    { base: SECOND, bytes: new Uint8Array(MEMORY_END - SECOND) },
  ];
  return new GuestMemory(segments, onWrite);
}

export class VirtioRig<M extends VirtioModel> {
  readonly ports = new PortBus();
  readonly mmio = new MemoryBus();
  readonly device: VirtioPci<VirtioPciFields, M>;

  constructor(
    kind: VirtioKind<VirtioPciFields, M>,
    readonly interfaces: Interfaces = 'transitional',
    readonly packed = false,
    readonly rig = new Rig(),
    readonly memory = newMemory(),
    msix = true,
  ) {
    const decoder = new BarDecoder(this.ports, this.mmio, nullLogger);
    const { clock, msi } = rig;
    this.device = new VirtioPci(
      'virtio',
      { address: 0x18, decoder, intx: rig.line() },
      kind,
      { memory, clock, msi, log: nullLogger },
      { interfaces, packed, msix },
    );
  }

  /** Messages that were sent since the last question, as numbers of the vectors that `VirtioDriver` gives them. */
  messages(): number[] {
    return this.rig.effects.splice(0).map((effect) => Number(effect.split(' ')[2]));
  }

  get intx(): boolean {
    return this.rig.lines[0]?.level ?? false;
  }
}
