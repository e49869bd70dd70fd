// SPDX-License-Identifier: BSD-2-Clause
/** `--clock real` and `--clock virtual[,num/den]`: num/den is the VM time in nanoseconds that one instruction takes. */
import type { ClockMode } from '../hypervisor/hypervisor.js';
import { UsageError } from './usage-error.js';

export const CLOCK_DEFAULT = 'real';
const LARGEST = 0xffff_ffff;
const ACCEPTED = `real, virtual, and virtual,num/den (nanoseconds an instruction takes, each from 1 to ${LARGEST})`;

export function parseClock(where: string, text: string): ClockMode {
  if (text === 'real') return { kind: 'real' };
  const [whole, num, den] = /^virtual(?:,(\d+)\/(\d+))?$/.exec(text) ?? [];
  const numerator = Number(num ?? 1);
  const denominator = Number(den ?? 1);
  const inRange = (value: number): boolean => value >= 1 && value <= LARGEST;
  if (whole === undefined || !inRange(numerator) || !inRange(denominator)) {
    throw new UsageError(where, `'${text}' is not a clock; accepted are ${ACCEPTED}`);
  }
  return { kind: 'virtual', numerator, denominator };
}
