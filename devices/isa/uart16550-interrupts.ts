// SPDX-License-Identifier: BSD-2-Clause
/**
 * Which interrupt a 16550 asks for, as its IIR reports it.
 * Reference: NS16550, section 8: interrupt enable, interrupt identification (table IV) and FIFO control registers.
 */
const IER_RX = 0x01;
export const IER_THRE = 0x02;
const IER_LINE = 0x04;
const IER_MODEM = 0x08;

const IIR_MODEM = 0x00;
export const IIR_NONE = 0x01;
export const IIR_THRE = 0x02;
const IIR_RX = 0x04;
const IIR_LINE = 0x06;
const IIR_RX_TIMEOUT = 0x0c;

export const FCR_ENABLE = 0x01;
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

/** The part of the UART's state that interrupts follow from. */
export interface InterruptSources {
  readonly ier: number;
  readonly fcr: number;
  readonly rx: readonly number[];
  readonly overrun: boolean;
  readonly timeoutPending: boolean;
  readonly thrEmptyPending: boolean;
  readonly modemDeltas: number;
}

/** The IIR value of the most urgent enabled interrupt. */
export function interruptCause(sources: InterruptSources): number {
  const { ier, fcr, rx } = sources;
  if (ier & IER_LINE && sources.overrun) return IIR_LINE;
  if (ier & IER_RX && rx.length >= triggerLevel(fcr)) return IIR_RX;
  if (ier & IER_RX && sources.timeoutPending) return IIR_RX_TIMEOUT;
  if (ier & IER_THRE && sources.thrEmptyPending) return IIR_THRE;
  if (ier & IER_MODEM && sources.modemDeltas !== 0) return IIR_MODEM;
  return IIR_NONE;
}

function triggerLevel(fcr: number): number {
  return fcr & FCR_ENABLE ? (TRIGGER_LEVELS[fcr >> 6] ?? 1) : 1;
}
