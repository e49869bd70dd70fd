// SPDX-License-Identifier: BSD-2-Clause
/** fio(1) in the guest, on the disk /dev/vdb. */
import { BenchError } from '../bench-error.js';

export interface FioResult {
  readonly iops: number;
  readonly bytesPerSecond: number;
  /** Requests that were done. */
  readonly requests: number;
}

export function fioWords(kind: string, size: string, depth: number, seconds: number): string[] {
  const job = [`--rw=${kind}`, `--bs=${size}`, `--iodepth=${depth}`, `--runtime=${seconds}`, '--time_based'];
  const disk = ['--name=bench', '--filename=/dev/vdb', '--direct=1', '--ioengine=libaio', '--randseed=1'];
  return ['fio', '--output-format=json', ...disk, ...job];
}

interface FioOutput {
  readonly jobs: readonly {
    readonly error: number;
    readonly read: Direction;
    readonly write: Direction;
  }[];
}

interface Direction {
  readonly iops: number;
  readonly bw_bytes: number;
  readonly total_ios: number;
}

/** fio may say something before its JSON. */
export function fioResult(output: string): FioResult {
  const text = output.slice(output.indexOf('{'));
  const { jobs } = JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as FioOutput; // as fio's manual has it
  const [job] = jobs;
  if (job === undefined || job.error !== 0) throw new BenchError(`fio failed in the guest:\n${output}`);
  const sum = (field: keyof Direction): number => job.read[field] + job.write[field];
  return { iops: sum('iops'), bytesPerSecond: sum('bw_bytes'), requests: sum('total_ios') };
}
