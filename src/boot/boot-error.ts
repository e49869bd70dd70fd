// SPDX-License-Identifier: BSD-2-Clause
/** A guest image or a boot option that cannot be used: one line naming the file, the value and what is accepted. */
export class BootError extends Error {
  constructor(
    readonly subject: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${subject}: ${problem}`, options);
    this.name = 'BootError';
  }
}
