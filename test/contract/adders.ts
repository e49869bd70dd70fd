// SPDX-License-Identifier: BSD-2-Clause
/** The device that vCPUs with the code `adding` talk to: each hears numbers of its own, and has to tell the next ones. */
import { ExitKind } from '../../src/hypervisor/exit.js';
import type { Engine } from '../../src/hypervisor/hypervisor.js';
import { nextExit, type SeenExit, standStill } from './engine-driving.js';

export class Adders {
  /** By vCPU: what it has been told, and what it has told. */
  readonly heard: number[];
  readonly told: number[];

  constructor(readonly vcpus: readonly number[]) {
    this.heard = Array.from({ length: Math.max(...vcpus) + 1 }, () => 0);
    this.told = [...this.heard];
  }

  /** Until each has told so many more numbers. */
  runFor(engine: Engine, rounds: number): void {
    const ends = this.told.map((count) => count + rounds);
    while (this.vcpus.some((vcpu) => (this.told[vcpu] ?? 0) < (ends[vcpu] ?? 0))) this.answer(engine, nextExit(engine));
  }

  standStill(engine: Engine): void {
    standStill(engine, (seen) => this.answer(engine, seen));
  }

  private answer({ exited }: Engine, { vcpu, kind, data }: SeenExit): void {
    if (kind === ExitKind.PortRead) {
      this.heard[vcpu] = (this.heard[vcpu] ?? 0) + 1;
      exited.slot.data = this.number(vcpu);
    } else {
      expect({ vcpu, kind, data }).toEqual({ vcpu, kind: ExitKind.PortWrite, data: this.number(vcpu) + 1 });
      this.told[vcpu] = (this.told[vcpu] ?? 0) + 1;
    }
  }

  private number(vcpu: number): number {
    return 0x1000 * (vcpu + 1) + (this.heard[vcpu] ?? 0);
  }
}
