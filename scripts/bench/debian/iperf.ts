// SPDX-License-Identifier: BSD-2-Clause
/** iperf3(1) in the guest, against a server on the host. */
import { BenchError } from '../bench-error.js';

export const PORT = 5299;

export interface IperfResult {
  readonly bitsPerSecond: number;
  readonly bytes: number;
  /** Of UDP, those that arrived. Null for TCP. */
  readonly packets: number | null;
}

/** `how`: further words, such as -R for what the host sends. */
export function iperfCommand(host: string, seconds: number, how: string): string {
  return `iperf3 -J -c ${host} -p ${PORT} -t ${seconds} ${how}`.trimEnd();
}

interface IperfOutput {
  readonly error?: string;
  readonly end: {
    readonly sum_received: { readonly bits_per_second: number; readonly bytes: number };
    /** UDP's. */
    readonly sum?: { readonly packets: number; readonly lost_packets: number };
  };
}

/** It may say something before its JSON. */
export function iperfResult(output: string): IperfResult {
  const text = output.slice(output.indexOf('{'));
  const { error, end } = JSON.parse(text) as IperfOutput; // as iperf3's manual has it
  if (error !== undefined) throw new BenchError(`iperf3 in the guest: ${error}`);
  const { sum_received: received, sum } = end;
  const packets = sum === undefined ? null : sum.packets - sum.lost_packets;
  return { bitsPerSecond: received.bits_per_second, bytes: received.bytes, packets };
}
