// SPDX-License-Identifier: BSD-2-Clause
/** Something the user can put right: shown as one line, without a stack. */
export class BenchError extends Error {}
