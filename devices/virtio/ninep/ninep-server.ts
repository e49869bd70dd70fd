// SPDX-License-Identifier: BSD-2-Clause
/** Answers 9P2000.L messages, one at a time and at once. */
import type { Answer } from './answer.js';
import { attributeRequests } from './attribute-requests.js';
import { MessageReader, MessageWriter } from './codec.js';
import { fileRequests } from './file-requests.js';
import { HEADER, RLERROR, T } from './messages.js';
import { nameRequests } from './name-requests.js';
import { Errno, NinepError, refuse } from './ninep-error.js';
import type { Session } from './session.js';
import { treeRequests } from './tree-requests.js';

const ANSWERS: ReadonlyMap<number, Answer> = new Map([
  ...treeRequests,
  ...fileRequests,
  ...nameRequests,
  ...attributeRequests,
]);
const TYPE_AT = 4;
const TAG_AT = 5;
export const RLERROR_LENGTH = HEADER + 4;

/** `request` has at least a header; the answer has at most `room` bytes, which are enough for an Rlerror. */
export function answer(session: Session, request: Uint8Array, room: number): Uint8Array {
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const type = view.getUint8(TYPE_AT);
  const tag = view.getUint16(TAG_AT, true);
  try {
    // The length in front is not believed: old Linux drivers leave out data that lie in buffers of their own.
    const write = answerFor(session, type)(session, new MessageReader(request, HEADER));
    const reply = message(type + 1, tag, write);
    if (reply.length > room) refuse('EMSGSIZE');
    return reply;
  } catch (error) {
    if (!(error instanceof NinepError)) throw error;
    return message(RLERROR, tag, (to) => to.integer(4, error.errno));
  }
}

function answerFor(session: Session, type: number): Answer {
  const known = ANSWERS.get(type) ?? refuse('EOPNOTSUPP');
  if (session.msize() === 0 && type !== T.version.type) throw new NinepError(Errno.EPROTO);
  return known;
}

function message(type: number, tag: number, write: (to: MessageWriter) => void): Uint8Array {
  const to = new MessageWriter();
  to.integer(4, 0);
  to.integer(1, type);
  to.integer(2, tag);
  write(to);
  return to.finish();
}
