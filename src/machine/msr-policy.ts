// SPDX-License-Identifier: BSD-2-Clause
import { hex } from '../core/bits.js';
import type { Logger } from '../core/log.js';
import { ExitKind, type ExitSlot } from '../hypervisor/exit.js';

/** What happens on MSRs that the engine does not know: #GP, or with `-w` zeros and dropped writes. */
export class MsrPolicy {
  constructor(
    private readonly ignoreUnknown: boolean,
    private readonly log: Logger,
  ) {}

  answer(slot: ExitSlot): void {
    const isRead = slot.kind === ExitKind.MsrRead;
    const number = hex(slot.address);
    this.log.once(number).info(`MSR ${number}: ${isRead ? 'read' : `write of ${hex(slot.data64)}`}, but it is unknown`);
    slot.refused = !this.ignoreUnknown;
    if (isRead) slot.data64 = 0n;
  }
}
