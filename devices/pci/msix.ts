// SPDX-License-Identifier: BSD-2-Clause
/**
 * MSI-X: a table of messages in a BAR, each with a mask and a pending bit.
 * Reference: PCI-3.0 §6.8.2. A message that is masked stays pending and leaves when the last mask in its way is gone.
 */
import type { MmioHandler } from '../../src/core/memory-bus.js';
import { RegisterMap, type RegisterRow } from '../../src/core/register-map.js';
import { StateError } from '../../src/core/state-error.js';
import { bool, list, record, u32 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';
import type { BarSpec } from './bars.js';
import type { Capability } from './config-layout.js';
import { readConfig } from './config-space.js';
import type { MessageParts } from './message-parts.js';

export const MSIX_CAPABILITY = 0x11;
/** The table and the pending bits share one page. */
export const MSIX_MAX_VECTORS = 128;

const MESSAGE_CONTROL = 2;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;
const PENDING_BITS = 0x800;
const BAR_SIZE = 0x1000;
const ENTRY = 16;
const MASKED = 1;

const vectorFields = {
  addressLow: u32({ mask: 0xfffffffc, doc: 'message address' }),
  addressHigh: u32({ doc: 'message address, upper half' }),
  data: u32({ doc: 'message data' }),
  control: u32({ mask: MASKED, initial: MASKED, doc: 'vector control: bit 0 masks' }),
  pending: bool({ doc: 'to be sent as soon as nothing masks it' }),
};
const vectorField = record(vectorFields);

/** Nested in the shape of a function with so many vectors. */
export function msixShape(vectors: number) {
  if (!(vectors >= 1 && vectors <= MSIX_MAX_VECTORS)) {
    throw new RangeError(`MSI-X: expected 1 to ${MSIX_MAX_VECTORS} vectors, got ${vectors}`);
  }
  const initial = Array.from({ length: vectors }, () => vectorField.initial());
  const fields = { vectors: list(vectorField, { max: MSIX_MAX_VECTORS, initial }) };
  return new StateShape('pci-msix', 1, fields, {
    check: (state) => {
      if (state.vectors.length === vectors) return;
      throw new StateError('vectors', `expected ${vectors} of them, got ${state.vectors.length}`);
    },
  });
}

export type MsixState = StateOf<ReturnType<typeof msixShape>['fields']>;
type Vector = MsixState['vectors'][number];

export function msixBar(index: number): BarSpec {
  return { index, kind: 'memory32', size: BAR_SIZE };
}

export function msixCapability(bar: number, vectors: number): Capability {
  return {
    id: MSIX_CAPABILITY,
    length: 12,
    registers: [
      { at: MESSAGE_CONTROL, width: 2, initial: vectors - 1, writable: ENABLE | FUNCTION_MASK },
      { at: 4, width: 4, initial: bar },
      { at: 8, width: 4, initial: PENDING_BITS | bar },
    ],
  };
}

export class Msix {
  private readonly registers: RegisterMap<MsixState, Msix>;

  constructor(private readonly parts: MessageParts<MsixState>) {
    this.registers = new RegisterMap<MsixState, Msix>({}, 1, rowsFor(parts.vectors), { unmapped: 0 });
  }

  /** While it is, the function must not use its INTx pin. */
  get enabled(): boolean {
    return (this.messageControl & ENABLE) !== 0;
  }

  get vectors(): number {
    return this.parts.vectors;
  }

  /** Asks for a message. A vector that the function does not have asks for nothing. */
  trigger(index: number): void {
    const vector = this.parts.state().vectors[index];
    if (vector === undefined || !this.enabled) return;
    vector.pending = true;
    this.deliver(vector);
  }

  /** Sends what nothing masks any more; to be called after each write to configuration space. */
  masksChanged(): void {
    for (const vector of this.parts.state().vectors) this.deliver(vector);
  }

  table(): MmioHandler {
    return {
      read: (offset, width) => this.registers.read(this.parts.state(), this, 0, offset, width),
      write: (offset, width, value) => this.registers.write(this.parts.state(), this, 0, offset, width, value),
    };
  }

  deliver(vector: Vector): void {
    if (!vector.pending || vector.control & MASKED || !this.mayDeliver) return;
    vector.pending = false;
    // Interrupts are below 4 GiB; a message to elsewhere is a write that nobody is interested in.
    if (vector.addressHigh === 0) this.parts.sink.send(vector.addressLow, vector.data);
  }

  private get mayDeliver(): boolean {
    return (this.messageControl & (ENABLE | FUNCTION_MASK)) === ENABLE && this.parts.mayWrite();
  }

  private get messageControl(): number {
    const { config, capability } = this.parts;
    return capability === null ? 0 : readConfig(config(), capability + MESSAGE_CONTROL, 2);
  }
}

type MsixRow = RegisterRow<MsixState, Msix>;

function rowsFor(vectors: number): MsixRow[] {
  const rows = Array.from({ length: vectors }, (_, index) => vectorRows(index)).flat();
  for (let first = 0; first < vectors; first += 32) rows.push(pendingRow(first));
  return rows;
}

function vectorRows(index: number): MsixRow[] {
  const row = (at: number, name: string, field: Exclude<keyof Vector, 'pending'>): MsixRow => ({
    at: ENTRY * index + at,
    width: 4,
    name: `${name}[${index}]`,
    get: ({ vectors }) => vectors[index]?.[field] ?? 0,
    set: ({ vectors }, value, msix) => {
      const vector = vectors[index];
      if (vector === undefined) return;
      vector[field] = (value & vectorFields[field].mask) >>> 0;
      msix.deliver(vector);
    },
  });
  return [
    row(0, 'Message Address', 'addressLow'),
    row(4, 'Message Upper Address', 'addressHigh'),
    row(8, 'Message Data', 'data'),
    row(12, 'Vector Control', 'control'),
  ];
}

function pendingRow(first: number): MsixRow {
  return {
    at: PENDING_BITS + first / 8,
    width: 4,
    name: `Pending Bits[${first / 32}]`,
    readOnly: true,
    get: ({ vectors }) =>
      vectors.slice(first, first + 32).reduce((bits, { pending }, bit) => (pending ? bits | (1 << bit) : bits), 0) >>>
      0,
  };
}
