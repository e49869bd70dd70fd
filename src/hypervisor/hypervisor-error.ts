// SPDX-License-Identifier: BSD-2-Clause

/** An engine that cannot be had or cannot go on. `cause` is the native error. */
export class HypervisorError extends Error {
  override readonly name = 'HypervisorError';

  constructor(
    message: string,
    /** As Node's own errors have it: ENXIO, EACCES, or ERR_... for what is not a system call. */
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A native error as ours. Natives may come from another realm, so they are told by their properties. */
export function hypervisorError(what: string, cause: unknown): HypervisorError {
  if (cause instanceof HypervisorError) return cause;
  const { code, message } = cause as { code?: unknown; message?: unknown };
  return new HypervisorError(
    `${what}: ${typeof message === 'string' ? message : String(cause)}`,
    typeof code === 'string' ? code : 'ERR_ENGINE',
    { cause },
  );
}

/** What fails inside is a `HypervisorError` about `name`. */
export function guarded<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw hypervisorError(name, cause);
  }
}
