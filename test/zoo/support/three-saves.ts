// SPDX-License-Identifier: BSD-2-Clause
/** A guest saved whole, and twice what it changed since; and where it comes to from there. */
import type { Machine } from '../../../src/machine/machine.js';
import { ChangeLog } from '../../../src/snapshot/change-log.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { hasPage, type PageIndex } from '../../../src/snapshot/page-index.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import type { OpenLayer } from '../../../src/snapshot/snapshot-folder.js';
import { temporaryStore } from '../../snapshot/support/temporary-store.js';
import { MS, tickSubject } from '../../snapshot/support/tick-subject.js';
import { advance, evidence, exitHash, firstDifference, runTo } from '../../support/proof.js';

/** The guest writes 1200 bytes a millisecond, upwards: each of the three has a page that the next one has not. */
const [FULL, MIDDLE, LAST, END] = [1n * MS, 5n * MS, 8n * MS, 9n * MS];
const subject = tickSubject();
const whole = runTo(subject, END);

type ChangeLayers = (layers: readonly OpenLayer[]) => readonly OpenLayer[];

/** Snapshots `full`, `middle` and `last`, each after the other. */
export class ThreeSaves {
  readonly store = temporaryStore();
  private readonly output: number[] = [];
  private readonly hash;

  /** `tamper` is given the machine when its changes begin to be logged. */
  constructor(tamper: (machine: Machine) => void = () => {}) {
    const machine = subject.build(this.output, true);
    try {
      subject.start(machine);
      advance(machine, FULL);
      const changes = new ChangeLog(machine, saveMachine(machine, this.store, 'full'));
      tamper(machine);
      advance(machine, MIDDLE);
      saveMachine(machine, this.store, 'middle', { changes });
      advance(machine, LAST);
      saveMachine(machine, this.store, 'last', { changes });
      this.hash = exitHash(machine);
    } finally {
      machine.close();
    }
  }

  /**
   * Where the machine of `last` first differs at the end from one that was left alone. Layers come newest first; `spoil` is
   * given what they were restored to.
   */
  difference(change: ChangeLayers = (same) => same, spoil: (machine: Machine) => void = () => {}): string | null {
    const withLayers = this.store.withLayers.bind(this.store);
    const spy = jest
      .spyOn(this.store, 'withLayers')
      .mockImplementation((newest, use) => withLayers(newest, (layers) => use(change(layers))));
    try {
      const output = [...this.output];
      const { machine } = loadMachine(this.store, 'last', { host: subject.host(output, this.hash.copy()) });
      try {
        spoil(machine);
        advance(machine, END);
        return firstDifference(whole, evidence(machine, output));
      } finally {
        machine.close();
      }
    } catch (refusal) {
      return refusal instanceof Error ? refusal.message : String(refusal);
    } finally {
      spy.mockRestore();
    }
  }
}

export function pagesOf(set: Uint8Array | null): number[] {
  if (set === null) return [];
  return Array.from({ length: set.length * 8 }, (_, page) => page).filter((page) => hasPage(set, page));
}

export function withoutPage(set: Uint8Array, page: number): Uint8Array {
  const copy = set.slice();
  copy[page >>> 3] = (copy[page >>> 3] ?? 0) & ~(1 << (page & 7));
  return copy;
}

/** The layers with another index of one of them. */
export function withIndex(name: string, change: (index: PageIndex) => PageIndex): ChangeLayers {
  return (layers) =>
    layers.map((layer) => (layer.snapshot.name === name ? { ...layer, index: change(layer.index) } : layer));
}
