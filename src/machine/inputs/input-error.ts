// SPDX-License-Identifier: BSD-2-Clause

/** A recording that cannot be read or written, or that a run does not follow. */
export class InputError extends Error {
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`recording ${file}: ${problem}`, options);
    this.name = 'InputError';
  }
}
