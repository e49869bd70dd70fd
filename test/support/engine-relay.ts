// SPDX-License-Identifier: BSD-2-Clause
/** The guests of test/guests/engines, each run to its end by one engine or by several that take over from each other. */
import { decode, encode } from '../../src/core/cbor.js';
import { wakeEngine } from '../../src/hypervisor/native.js';
import { buildMachine } from '../../src/machine/build.js';
import type { MachineConfig } from '../../src/machine/config.js';
import type { Machine } from '../../src/machine/machine.js';
import { copyMemory, loadTree, restoreMemory, saveTree } from '../../src/machine/machine-state.js';
import { sleepIdle } from '../../src/machine/run.js';
import { type EndState, endState } from './end-state.js';

/** When a machine is handed over: after so many more characters, and so many nanoseconds of VM time after them. */
export interface Cut {
  readonly characters: number;
  readonly later: bigint;
}

/** Far more VM time than any guest takes. */
const LIMIT = 60_000_000_000n;

export class EngineRelay {
  private readonly bytes: number[] = [];
  private machine: Machine;
  /** When there are so many characters, the slice ends. */
  private awaited = 0;

  constructor(
    private readonly config: Partial<MachineConfig>,
    first: string,
  ) {
    this.machine = this.build(first, false);
  }

  /** `engines` take turns, a cut each; those from the first one that waits may come too late. */
  run(engines: readonly string[], cuts: readonly Cut[]): EndState {
    try {
      this.machine.powerOn();
      this.machine.resume();
      let handOvers = 0;
      for (const cut of cuts) {
        if (!this.runTo(cut)) break;
        handOvers += 1;
        this.handOver(engines[handOvers % engines.length] ?? 'soft');
      }
      const exact = cuts.findIndex(({ later }) => later > 0n);
      if (handOvers < exact) throw new Error(`the guest ended after ${handOvers} of ${cuts.length} cuts`);
      this.runWhile(() => true);
      return this.end();
    } finally {
      this.machine.close();
    }
  }

  /** False: the guest has ended before. */
  private runTo({ characters, later }: Cut): boolean {
    this.awaited = this.bytes.length + characters;
    this.runWhile(() => this.bytes.length < this.awaited);
    const until = this.machine.time + later;
    this.runWhile(() => this.machine.time < until, until);
    return this.machine.state === 'running';
  }

  /** `limit`: VM time that the guest is not to pass. */
  private runWhile(goesOn: () => boolean, limit = LIMIT): void {
    while (this.machine.state === 'running' && goesOn()) {
      if (this.machine.time >= LIMIT) throw new Error(`the guest has not ended after ${LIMIT} ns: ${this.text}`);
      const seen = this.machine.parts.events.wakes;
      if (this.machine.runSlice(limit) === 'idle') sleepIdle(this.machine, seen);
    }
  }

  private handOver(engine: string): void {
    this.machine.pause();
    const tree = encode(saveTree(this.machine));
    const memory = copyMemory(this.machine.parts.engine.memory);
    this.machine.close();
    this.machine = this.build(engine, true);
    restoreMemory(this.machine.parts.engine.memory, memory);
    loadTree(this.machine, decode(tree));
    this.machine.resume();
  }

  private build(engine: string, restored: boolean): Machine {
    const com1 = { write: (byte: number): void => this.write(byte) };
    return buildMachine({ ...this.config, engine }, { outputs: { com1 }, restored });
  }

  private write(byte: number): void {
    this.bytes.push(byte);
    if (this.bytes.length === this.awaited) wakeEngine(this.machine.parts.engine.id);
  }

  private get text(): string {
    return Buffer.from(this.bytes).toString('latin1');
  }

  private end(): EndState {
    const { stopReason } = this.machine;
    if (stopReason?.kind !== 'power-off')
      throw new Error(`the guest ended by ${JSON.stringify(stopReason)}: ${this.text}`);
    return endState(this.machine, this.text);
  }
}
