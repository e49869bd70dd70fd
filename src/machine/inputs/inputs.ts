// SPDX-License-Identifier: BSD-2-Clause
/**
 * Where inputs meet the machine. A recorded machine takes one only at an instant that its VM time names, so that a replay
 * which runs up to that time stands at the very same boundary of instructions (decision 0021).
 */
import type { SliceEnd } from '../exit-loop.js';
import type { Machine } from '../machine.js';
import type { CommandName } from '../thread-messages.js';

export interface Inputs {
  /** Answers a request to the machine with `work`, or leaves it. */
  take(name: CommandName, given: readonly unknown[], work: () => unknown): unknown;
  runSlice(): SliceEnd;
  /** Whoever runs the machine has time. */
  rest(): void;
  end(): void;
}

/** Inputs are taken as they come. */
export class LiveInputs implements Inputs {
  constructor(private readonly machine: Machine) {}

  take(_name: CommandName, _given: readonly unknown[], work: () => unknown): unknown {
    return work();
  }

  runSlice(): SliceEnd {
    return this.machine.runSlice();
  }

  rest(): void {}

  end(): void {}
}
