// SPDX-License-Identifier: BSD-2-Clause
/**
 * No typed byte is lost around a suspend. Before it is written the consoles stop to take input; what they took before
 * becomes part of the machine, and the rest stays in the terminal, pipe or socket for whoever comes next.
 */
import type { ConsoleBackend } from '../host/console/guest-line.js';
import type { ConsoleId } from '../machine/config.js';
import type { SavedSnapshot, SaveOrder } from '../machine/thread-save.js';
import type { Vm } from './vm.js';

type Consoles = ReadonlyMap<ConsoleId, ConsoleBackend>;

export class HeldInputVm implements Pick<Vm, 'save' | 'cancelSave'> {
  private holding: { cancelled: boolean } | null = null;

  constructor(
    private readonly vm: Pick<Vm, 'line' | 'save' | 'cancelSave'>,
    private readonly consoles: Consoles,
  ) {}

  async save(order: SaveOrder, onProgress: (done: number, total: number) => void): Promise<SavedSnapshot> {
    if (order.kind !== 'suspend') return this.vm.save(order, onProgress);
    try {
      await this.hold();
      return await this.vm.save(order, onProgress);
    } catch (error) {
      for (const backend of this.consoles.values()) backend.releaseInput();
      throw error;
    }
  }

  async cancelSave(): Promise<boolean> {
    if (this.holding === null) return this.vm.cancelSave();
    this.holding.cancelled = true;
    return true;
  }

  private async hold(): Promise<void> {
    const holding = { cancelled: false };
    this.holding = holding;
    const finish = async ([port, backend]: [ConsoleId, ConsoleBackend]): Promise<void> =>
      this.vm.line(port).finishInput(await backend.holdInput());
    try {
      await Promise.all([...this.consoles].map(finish));
    } finally {
      this.holding = null;
    }
    if (holding.cancelled) throw new Error('cancelled');
  }
}

/** Some streams cannot be left unread, and a terminal is read on for its keys. */
export function reportLateInput(consoles: Consoles, print: (line: string) => void): void {
  for (const [port, { lateInput }] of consoles) {
    if (lateInput > 0) print(`${port}: ${lateInput} typed bytes came too late for the snapshot and are lost`);
  }
}
