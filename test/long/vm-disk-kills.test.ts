// SPDX-License-Identifier: BSD-2-Clause
/** A VM is killed at every step of what it does to its disks, and each of them fails. Uses dist. */
import { canShim } from '../crash/support/shim.js';
import { callsOf, failedAt, killedAt } from '../crash/support/vm-disk-kill.js';
import { LIVES } from '../crash/support/vm-disk-lives.js';

(canShim ? test : test.skip).each(Object.keys(LIVES))('%s', (life) => {
  const calls = callsOf(life);
  for (let call = 1; call <= calls; call += 1) {
    killedAt(life, call);
    failedAt(life, call, 'EIO');
    failedAt(life, call, 'ENOSPC');
  }
});
