// SPDX-License-Identifier: BSD-2-Clause

/** Linux's numbers, which Rlerror carries. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EBADF: 9,
  ENOMEM: 12,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EROFS: 30,
  ENAMETOOLONG: 36,
  EPROTO: 71,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  ESTALE: 116,
} as const;

/** What the guest asked for cannot be done: it gets an Rlerror. */
export class NinepError extends Error {
  override readonly name = 'NinepError';

  constructor(readonly errno: number) {
    super(`error ${errno}`);
  }
}

export function refuse(name: keyof typeof Errno): never {
  throw new NinepError(Errno[name]);
}

/** What the backend has given, unless that is an error. */
export function granted<T>(result: T): T {
  if (typeof result === 'number' && result < 0) throw new NinepError(-result);
  return result;
}

/** The same for results that are numbers only if they are errors. */
export function found<T extends object | string>(result: T | number): T {
  if (typeof result === 'number') throw new NinepError(-result);
  return result;
}
