// SPDX-License-Identifier: BSD-2-Clause

/** A machine configuration that cannot be built: the value's path, the value, and what is accepted. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }
}
