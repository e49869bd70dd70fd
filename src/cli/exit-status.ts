// SPDX-License-Identifier: BSD-2-Clause
/** bhyve(8), EXIT STATUS; 5 is ours. */
import type { StopReason } from '../machine/stop.js';

export const EXIT_STATUS = { reboot: 0, powerOff: 1, halt: 2, tripleFault: 3, error: 4, suspended: 5 } as const;

export function exitStatus(reason: StopReason): number {
  switch (reason.kind) {
    case 'reset':
      return EXIT_STATUS.reboot;
    case 'power-off':
      return EXIT_STATUS.powerOff;
    case 'halted':
      return EXIT_STATUS.halt;
    case 'triple-fault':
      return EXIT_STATUS.tripleFault;
    case 'debug-exit':
      return reason.status;
    case 'requested':
      return EXIT_STATUS.powerOff;
    case 'suspended':
      return EXIT_STATUS.suspended;
    case 'error':
      return EXIT_STATUS.error;
  }
}
