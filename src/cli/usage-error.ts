// SPDX-License-Identifier: BSD-2-Clause

/** A wrong word on the command line or in a configuration file: one line naming the place, the value and what is accepted. */
export class UsageError extends Error {
  constructor(where: string, problem: string, options?: ErrorOptions) {
    super(`${where}: ${problem}`, options);
    this.name = 'UsageError';
  }
}
