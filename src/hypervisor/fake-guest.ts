// SPDX-License-Identifier: BSD-2-Clause
/** Guests of the fake engine: what a program would ask of the device model, step by step. */
import type { GuestMemory } from '../core/guest-memory.js';

/** One step; every step but `spend` counts as one instruction. Reads answer with their value, `rdmsr` with null for #GP. */
export type FakeStep =
  | { readonly do: 'in'; readonly port: number; readonly width?: 1 | 2 | 4 }
  | { readonly do: 'out'; readonly port: number; readonly value: number; readonly width?: 1 | 2 | 4 }
  | { readonly do: 'load'; readonly address: number; readonly width?: 1 | 2 | 4 | 8 }
  | { readonly do: 'store'; readonly address: number; readonly value: bigint; readonly width?: 1 | 2 | 4 | 8 }
  | { readonly do: 'rdmsr'; readonly msr: number }
  | { readonly do: 'wrmsr'; readonly msr: number; readonly value: bigint }
  /** With interrupts on; answers with the vector that ended it. */
  | { readonly do: 'hlt' }
  /** With interrupts off: only an NMI ends it; answers as `hlt` does. */
  | { readonly do: 'cli-hlt' }
  /** End of a level-triggered interrupt. */
  | { readonly do: 'eoi'; readonly vector: number }
  | { readonly do: 'triple-fault' }
  /** The engine cannot go on, and says this. */
  | { readonly do: 'break-down'; readonly reason: string }
  /** Instructions that need nobody. */
  | { readonly do: 'spend'; readonly instructions: number };

/** What the guest learns from a step. */
export type FakeAnswer = bigint | null;

export interface FakeProcessor {
  readonly memory: GuestMemory;
  /** Vectors delivered so far, oldest first. */
  readonly interrupts: readonly number[];
}

/** A guest starts again at every reset, and after it has ended it is halted. */
export type FakeGuest = (processor: FakeProcessor) => Generator<FakeStep, void, FakeAnswer>;
