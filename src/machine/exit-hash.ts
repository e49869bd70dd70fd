// SPDX-License-Identifier: BSD-2-Clause
import { ExitKind, type ExitSlot } from '../hypervisor/exit.js';

/** Slot words: kind and width, address, data; instruction count; RIP. */
const ACCESS_WORDS = [0, 1, 2, 3, 4, 5, 8, 9, 12, 13] as const;
/** The same without width, address and data, which exits that are no accesses leave as they were. */
const EVENT_WORDS = [0, 8, 9, 12, 13] as const;
const FNV_PRIME = 0x0100_0193;

/**
 * A running hash over every exit, for the proof that a restored machine goes on as the saved one would have. Exits that
 * depend on how `run()` was called and not on the guest (slices, wake-ups) are left out.
 */
export class ExitHash {
  private low = 0x811c_9dc5;
  private high = 0x9e37_79b9;
  private count = 0;
  private haltedAt = -1n;

  /** Takes in an exit whose answer already lies in the slot. */
  add(slot: ExitSlot): void {
    const { kind } = slot;
    if (kind === ExitKind.Hlt) {
      // A vCPU that is still halted says so again whenever it is run.
      if (slot.instructions === this.haltedAt) return;
      this.haltedAt = slot.instructions;
    }
    const words = kind <= ExitKind.MsrWrite || kind === ExitKind.InterruptAcknowledge ? ACCESS_WORDS : EVENT_WORDS;
    for (const index of words) this.mix(slot.word(index));
    this.count += 1;
  }

  /** Number of exits and their digest. */
  digest(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
    return `${this.count}:${hex(this.high)}${hex(this.low)}`;
  }

  /** A hash that goes on from here, for the machine that goes on from here. */
  copy(): ExitHash {
    return Object.assign(new ExitHash(), this);
  }

  /** Two lanes of FNV-1a on words, the second fed by the first, with a rotation so that high bits reach low ones. */
  private mix(word: number): void {
    const low = Math.imul(this.low ^ word, FNV_PRIME);
    this.low = (low << 13) | (low >>> 19);
    const high = Math.imul(this.high ^ this.low ^ (word >>> 7), FNV_PRIME);
    this.high = (high << 17) | (high >>> 15);
  }
}
