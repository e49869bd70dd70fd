// SPDX-License-Identifier: BSD-2-Clause
/** What the proof asks of another process, and what that answers: a piece of a machine's life between two snapshots. */
import { deserialize, serialize } from 'node:v8';
import { decode, encode } from '../../../src/core/cbor.js';
import { ExitHash } from '../../../src/machine/exit-hash.js';
import type { Machine } from '../../../src/machine/machine.js';
import { type Evidence, exitHash } from '../proof.js';

/** What no snapshot holds, because no guest can see it: the harness carries it from one process to the next. */
export interface Carried {
  readonly output: readonly number[];
  /** The members of an `ExitHash`. */
  readonly hash: object;
}

/** How a machine is saved at the end of a piece. `live`, which is incremental too, it runs on meanwhile. */
export type SaveKind = 'full' | 'incremental' | 'live' | 'suspend';

export interface LifeOrder {
  readonly store: string;
  /** The snapshot to restore. */
  readonly name: string;
  /** Verify all of it before the first instruction. */
  readonly isForeign?: boolean;
  /** One of several that go on from there: they share its pages. */
  readonly isClone?: boolean;
  /** A generation id of its own, which the guest is told of. */
  readonly generation?: Uint8Array;
  readonly carried: Carried;
  /** VM time at which the piece ends, if the guest has not ended before. */
  readonly end: bigint;
  /** May run away: far more instructions than this are not worth waiting for. */
  readonly most?: bigint;
  readonly save?: { readonly name: string; readonly kind: SaveKind };
}

export interface LifeReport {
  /** At the end of the piece. */
  readonly evidence: Evidence;
  /** At the instant that was saved, or else at the end. */
  readonly carried: Carried;
  /** What each disk of the machine holds at the end of the piece, as a digest. */
  readonly disks: readonly string[];
}

export type LifeAnswer = LifeReport | { readonly failure: string };

export function carriedFrom(machine: Machine, output: readonly number[]): Carried {
  return { output: [...output], hash: Object.assign({}, exitHash(machine)) };
}

export function carriedHash({ hash }: Carried): ExitHash {
  return Object.assign(new ExitHash(), hash);
}

export function encodeOrders(orders: readonly LifeOrder[]): Buffer {
  return serialize(orders);
}

export function decodeOrders(bytes: Uint8Array): LifeOrder[] {
  return deserialize(bytes);
}

/** The tree goes as CBOR, so that it comes back as it does from a file. */
export function encodeAnswers(answers: readonly LifeAnswer[]): Buffer {
  return serialize(
    answers.map((answer) =>
      'failure' in answer
        ? answer
        : { ...answer, evidence: { ...answer.evidence, tree: encode(answer.evidence.tree) } },
    ),
  );
}

export function decodeAnswers(bytes: Uint8Array): LifeAnswer[] {
  const answers: (LifeReport | { failure: string })[] = deserialize(bytes);
  return answers.map((answer) => {
    if ('failure' in answer) return answer;
    const { tree } = answer.evidence;
    if (!ArrayBuffer.isView(tree)) throw new Error('expected the tree as CBOR');
    return { ...answer, evidence: { ...answer.evidence, tree: decode(Uint8Array.from(tree)) } };
  });
}
