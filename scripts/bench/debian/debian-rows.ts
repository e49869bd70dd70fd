// SPDX-License-Identifier: BSD-2-Clause
/** All rows of the whole Debian, each as soon as it is known: the next may take minutes. */
import type { Row } from '../report.js';
import { costRows } from './cost-rows.js';
import type { DebianBench } from './debian-vm.js';
import { diskRows } from './disk-rows.js';
import { netRows } from './net-rows.js';

export async function* debianRows(bench: DebianBench): AsyncIterable<Row> {
  yield* diskRows(bench);
  yield* costRows(bench);
  yield* netRows(bench);
}
