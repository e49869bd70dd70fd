// SPDX-License-Identifier: BSD-2-Clause
/**
 * The 16550's pins: how long a character takes on the line, and what its modem inputs report.
 * Reference: NS16550, section 8: programmable baud generator, modem control and modem status registers.
 */
export const MSR_CTS = 0x10;
export const MSR_DSR = 0x20;
const MSR_RI = 0x40;
export const MSR_DCD = 0x80;

const INPUT_HZ = 1_843_200n; // the PC's UART crystal; one bit lasts 16 x divisor cycles
const NS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds for `count` characters: start bit, 5 to 8 data bits, parity, one or two stop bits. A divisor of 0 counts as 1. */
export function characterTime(count: number, lcr: number, divisor: number): bigint {
  const bits = 1 + 5 + (lcr & 0x03) + (lcr & 0x08 ? 1 : 0) + (lcr & 0x04 ? 2 : 1);
  return (BigInt(count * bits * 16 * Math.max(divisor, 1)) * NS_PER_SECOND) / INPUT_HZ;
}

/** In loopback the outputs are wired to the inputs: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
export function loopedModemLines(mcr: number): number {
  return ((mcr & 0x02) << 3) | ((mcr & 0x01) << 5) | ((mcr & 0x0c) << 4);
}

/** The delta bits 0-3 of MSR for a change of its bits 4-7. The ring indicator reports its trailing edge only. */
export function modemDeltas(before: number, after: number): number {
  const changed = (before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD);
  const ringEnded = before & ~after & MSR_RI;
  return (changed | ringEnded) >> 4;
}
