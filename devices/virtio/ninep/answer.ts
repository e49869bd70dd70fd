// SPDX-License-Identifier: BSD-2-Clause
import { type MessageReader, type MessageWriter, readStruct, type Struct, type Values, writeStruct } from './codec.js';
import type { Message } from './messages.js';
import type { Session } from './session.js';

/** Reads a request, does what it says, writes the answer. */
export type Answer = (session: Session, from: MessageReader) => (to: MessageWriter) => void;
/** A request's number, and what answers it. */
export type Row = readonly [type: number, answer: Answer];

export function on<Q extends Struct, R extends Struct>(
  { type, request, reply }: Message<Q, R>,
  handle: (session: Session, request: Values<Q>) => Values<R>,
): Row {
  return [
    type,
    (session, from) => {
      const answer = handle(session, readStruct(request, from));
      return (to) => writeStruct(reply, to, answer);
    },
  ];
}
