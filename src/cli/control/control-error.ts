// SPDX-License-Identifier: BSD-2-Clause

/** A request that is answered with this HTTP status and one sentence. */
export class ControlError extends Error {
  override readonly name = 'ControlError';

  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}
