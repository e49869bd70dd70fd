// SPDX-License-Identifier: BSD-2-Clause
/**
 * The VM generation id: 16 bytes in guest memory that are different once a guest runs a second time from the same state,
 * so that it can throw away what must not be there twice (random pools, numbers that were promised to be unique).
 * Reference: VMGENID = Microsoft "Virtual Machine Generation ID" (2012).
 */
import { Device } from '../../src/core/device.js';
import type { GuestMemory } from '../../src/core/guest-memory.js';
import { bytes } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';

export const GENERATION_BYTES = 16;

export const shape = new StateShape('vm-generation', 1, {
  guid: bytes(GENERATION_BYTES, { keepOnReset: true, doc: 'as it lies in memory' }),
});

export interface VmGenerationOptions {
  readonly memory: Pick<GuestMemory, 'write'>;
  /** Where the ACPI tables say it is. */
  readonly address: number;
  readonly guid: Uint8Array;
  /** Tells the guest that it has changed. */
  readonly onRenewed: () => void;
}

export class VmGeneration extends Device<typeof shape.fields> {
  constructor(
    id: string,
    private readonly options: VmGenerationOptions,
  ) {
    super(id, shape);
    this.state.guid = requireGuid(id, options.guid);
  }

  get guid(): Uint8Array {
    return this.state.guid.slice();
  }

  /** Writes it where firmware would; at power-on and after each reset, since memory is then made anew. */
  publish(): void {
    this.options.memory.write(this.options.address, this.state.guid);
  }

  override renew(guid: Uint8Array): void {
    this.state.guid = requireGuid(this.id, guid);
    this.publish();
    this.options.onRenewed();
  }

  protected restored(): void {}

  protected wasReset(): void {}
}

function requireGuid(id: string, guid: Uint8Array): Uint8Array {
  if (guid.length !== GENERATION_BYTES) {
    throw new RangeError(`${id}: an id of ${guid.length} bytes: expected ${GENERATION_BYTES}`);
  }
  return Uint8Array.from(guid);
}
