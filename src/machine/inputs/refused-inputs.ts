// SPDX-License-Identifier: BSD-2-Clause
/** What is answered to inputs that a machine does not take, each in its own kind: nobody waits, and nobody is misled. */
import type { CommandArguments, CommandResult } from '../thread-messages.js';
import type { InputName } from './input-fields.js';

type Answers = { readonly [N in InputName]: (why: string, ...given: CommandArguments<N>) => CommandResult<N> };

const nothing = (): void => {};

const ANSWERS: Answers = {
  pressPowerButton: () => false,
  injectNmi: (why) => {
    throw new Error(why);
  },
  /** All of it is taken, or it would be offered for ever. */
  type: (_why, _port, bytes) => bytes.length,
  typeAll: nothing,
  setConsoleOpen: nothing,
  resizeConsole: nothing,
  receiveFrames: nothing,
  receivePackets: nothing,
  linkDown: nothing,
  hearVsock: nothing,
  vsockHeard: nothing,
  setBalloon: (why) => why,
  linkUp: nothing,
};

/** Throws where a refusal is an error. */
export function refusedAnswer(name: InputName, given: readonly unknown[], why: string): unknown {
  const answer = ANSWERS[name] as (why: string, ...given: readonly unknown[]) => unknown; // typed at the sender
  return answer(why, ...given);
}
