// SPDX-License-Identifier: BSD-2-Clause
/** Doorbells that the engine rings without stopping a vCPU: they come back as events, and those to their devices. */
import type { Width } from '../core/bits.js';
import type { DoorbellBoard } from '../core/doorbells.js';
import type { EngineDoorbells } from '../hypervisor/hypervisor.js';
import type { HostEvents } from './host-events.js';

/** Events are taken after a few exits; only so many addresses can change meanwhile. */
const RETIRED = 4096;

export class HungDoorbells implements DoorbellBoard {
  private readonly rings = new Map<number, () => void>();
  private readonly retired: number[] = [];
  private readonly source: number;
  private next = 0;

  constructor(
    private readonly engine: EngineDoorbells,
    private readonly events: HostEvents,
  ) {
    this.source = events.register((token) => this.rings.get(token)?.());
    engine.open(this.source);
  }

  add(address: number, width: Width, ring: () => void): () => void {
    const token = this.next;
    this.next = (token + 1) >>> 0;
    this.rings.set(token, ring);
    this.engine.add(address, width, token);
    return () => {
      this.engine.remove(token);
      this.retire(token);
    };
  }

  /** Tells devices of what was rung before all vCPUs stood still: a saved machine has no events. */
  takeRung(): void {
    while (this.events.dispatchOne(this.source, 0));
  }

  /** It may have been rung, and its event waits: whenever one address changes, all are hung up anew. */
  private retire(token: number): void {
    this.retired.push(token);
    if (this.retired.length <= RETIRED) return;
    const [oldest] = this.retired.splice(0, 1);
    if (oldest !== undefined) this.rings.delete(oldest);
  }
}

/** Null where every write comes to its device at once. */
export function doorbellsOf(engine: EngineDoorbells | null, events: HostEvents): HungDoorbells | null {
  return engine === null ? null : new HungDoorbells(engine, events);
}
