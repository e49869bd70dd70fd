// SPDX-License-Identifier: BSD-2-Clause
import type { BootPlan, PlannedWrite } from '../../../src/boot/boot-plan.js';

export function writeNamed(plan: Pick<BootPlan, 'writes'>, what: string): PlannedWrite {
  const found = plan.writes.find((write) => write.what === what);
  if (found === undefined) {
    throw new Error(`no ${what} among ${plan.writes.map((write) => write.what).join(', ')}`);
  }
  return found;
}

export function viewOf({ bytes }: Pick<PlannedWrite, 'bytes'>): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function byteSum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}
