// SPDX-License-Identifier: BSD-2-Clause
import type { ConsolePump } from './console-pump.js';
import type { ConsoleBackend } from './guest-line.js';

/** What every back end does that moves its bytes through a pump. */
export abstract class PumpedConsole implements ConsoleBackend {
  abstract readonly place: string;

  protected constructor(protected readonly pump: ConsolePump) {}

  outputReady(): void {
    this.pump.outputReady();
  }

  inputRoom(): void {
    this.pump.inputRoom();
  }

  holdInput(): Promise<Uint8Array> {
    return this.pump.hold();
  }

  releaseInput(): void {
    this.pump.release();
  }

  get lateInput(): number {
    return this.pump.late;
  }

  abstract close(): Promise<void>;
}
