// SPDX-License-Identifier: BSD-2-Clause
/** One vCPU of an engine of the native addon. */
import type { AddonMachine } from './addon.js';
import type { ExitSlot } from './exit.js';
import type { Vcpu } from './hypervisor.js';
import { guarded } from './hypervisor-error.js';

export class NativeVcpu implements Vcpu {
  constructor(
    private readonly name: string,
    private readonly machine: AddonMachine,
    readonly index: number,
    readonly slot: ExitSlot,
  ) {}

  errorText(): string {
    return this.machine.errorText(this.index);
  }

  counters(): Readonly<Record<string, number>> {
    return this.machine.counters(this.index);
  }

  instructions(): bigint {
    return this.machine.instructions(this.index);
  }

  injectNmi(): void {
    guarded(this.name, () => this.machine.injectNmi(this.index));
  }

  getRegisters(groups: number, values: BigUint64Array): void {
    guarded(this.name, () => this.machine.getRegisters(this.index, groups, values));
  }

  setRegisters(groups: number, values: BigUint64Array): void {
    guarded(this.name, () => this.machine.setRegisters(this.index, groups, values));
  }

  getMsrs(): BigUint64Array {
    return guarded(this.name, () => this.machine.getMsrs(this.index));
  }

  setMsrs(pairs: BigUint64Array): void {
    guarded(this.name, () => this.machine.setMsrs(this.index, pairs));
  }

  getXsave(): Uint8Array {
    return guarded(this.name, () => this.machine.getXsave(this.index));
  }

  setXsave(image: Uint8Array): void {
    guarded(this.name, () => this.machine.setXsave(this.index, image));
  }

  getLapic(): BigUint64Array {
    return guarded(this.name, () => this.machine.getLapic(this.index));
  }

  setLapic(rows: BigUint64Array): void {
    guarded(this.name, () => this.machine.setLapic(this.index, rows));
  }

  getPrivate(): Uint8Array {
    return guarded(this.name, () => this.machine.getPrivate(this.index));
  }

  setPrivate(bytes: Uint8Array): void {
    guarded(this.name, () => this.machine.setPrivate(this.index, bytes));
  }
}
