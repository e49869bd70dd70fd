// SPDX-License-Identifier: BSD-2-Clause
/** A guest that counts is suspended, and goes on counting in a new process. */
import type { GuestSession } from './guest-session.js';
import { PROMPT } from './initramfs.js';
import { QuickstartError } from './tools.js';

const SUSPENDED = 5;
const LAST = 6;
const SUSPEND_AFTER = 2;
const COUNT = `for n in $(seq ${LAST}); do echo "COUNT"-$n.; sleep 1; done; echo "COUNT"-end`;

/** Leaves the guest of the new session at its prompt. */
export async function countThroughSuspend(
  first: GuestSession,
  resume: (snapshot: string) => GuestSession,
): Promise<GuestSession> {
  first.type(`${COUNT}\n`);
  await first.expect(`COUNT-${SUSPEND_AFTER}.\n`);
  first.suspend();
  const status = await first.end();
  const rest = first.rest();
  const [line = '', name] = /tsbhyve: suspended as (\S+):.*\n/.exec(rest) ?? [];
  if (status !== SUSPENDED || name === undefined) {
    throw new QuickstartError(`the guest was not suspended (status ${status}):\n${rest}`);
  }
  const second = resume(name);
  try {
    const all = rest.replace(line, '') + (await second.expect('COUNT-end'));
    await second.expect(PROMPT);
    compare([...all.matchAll(/COUNT-(\d+)\./g)].map(([, number]) => Number(number)));
    return second;
  } catch (error) {
    second.kill();
    throw error;
  }
}

function compare(counted: readonly number[]): void {
  const expected = Array.from({ length: LAST - SUSPEND_AFTER }, (_, index) => SUSPEND_AFTER + 1 + index);
  if (String(counted) === String(expected)) return;
  throw new QuickstartError(`the guest counted ${counted.join(', ')} after its suspend, not ${expected.join(', ')}`);
}
