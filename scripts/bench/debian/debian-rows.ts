// SPDX-License-Identifier: BSD-2-Clause
/** All rows of the whole Debian, each as soon as it is known: the next may take minutes. */
import type { Row } from '../report.js';
import type { DebianBench } from './debian-vm.js';
import { diskCostRows } from './disk-cost-rows.js';
import { diskRows } from './disk-rows.js';
import { netCostRows } from './net-cost-rows.js';
import { netRows } from './net-rows.js';

export async function* debianRows(bench: DebianBench): AsyncIterable<Row> {
  yield* diskRows(bench);
  yield* diskCostRows(bench);
  yield* netRows(bench);
  yield* netCostRows(bench);
}
