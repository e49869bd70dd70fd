// SPDX-License-Identifier: BSD-2-Clause
/**
 * One connection of a socket device: what waits for the guest, and how much each side may send. What the guest has not
 * been told is a set of bits, not a list: a guest that takes nothing cannot make it grow. Reference: VIRTIO-1.2 §5.10.6.3.
 */
import { blob, bool, oneOf, record, u8, u32 } from '../../src/core/state-fields.js';
import { VSOCK_WINDOW } from './vsock-backend.js';
import { Op, Shutdown } from './vsock-packet.js';

/** In the order in which they are told; a shutdown waits until the data before it has gone. */
const Untold = { REQUEST: 0x01, RESPONSE: 0x02, CREDIT_UPDATE: 0x04, SHUTDOWN: 0x08 } as const;
const UNTOLD_BITS = 0x0f;
const BEFORE_DATA = [
  [Untold.REQUEST, Op.REQUEST],
  [Untold.RESPONSE, Op.RESPONSE],
  [Untold.CREDIT_UPDATE, Op.CREDIT_UPDATE],
] as const;

export const connectionField = record({
  host: u32({ doc: 'port' }),
  guest: u32({ doc: 'port' }),
  phase: oneOf(['host-asked', 'guest-asked', 'open', 'host-gone'], {
    doc: 'host-gone: what waits is delivered, then it is reset',
  }),
  bufAlloc: u32({ unit: 'bytes', doc: 'that the guest has room for altogether' }),
  fwdCnt: u32({ unit: 'bytes', doc: 'that programs of the guest have taken' }),
  sent: u32({ unit: 'bytes', doc: 'given to the guest' }),
  received: u32({ unit: 'bytes', doc: 'that the guest has sent' }),
  taken: u32({ unit: 'bytes', doc: 'of these, that the host has taken' }),
  told: u32({ unit: 'bytes', doc: '`taken` as the guest knows it' }),
  waiting: blob({ max: VSOCK_WINDOW, doc: 'bytes for the guest' }),
  untold: u8({ mask: UNTOLD_BITS, doc: 'what the guest is still to be told' }),
  askedCredit: bool({ doc: 'the guest has been asked how much room it has' }),
  guestShut: u8({ mask: Shutdown.BOTH, doc: 'what the guest will not do any more: 1 receive, 2 send' }),
  hostShut: u8({ mask: Shutdown.BOTH, doc: 'the same of the host' }),
});

export type Connection = ReturnType<typeof connectionField.initial>;

/** A packet for the guest. */
export interface Word {
  readonly op: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
}

export function newConnection(host: number, guest: number, phase: 'host-asked' | 'guest-asked'): Connection {
  const untold = phase === 'host-asked' ? Untold.REQUEST : 0;
  return { ...connectionField.initial(), host, guest, phase, untold };
}

export function open(connection: Connection): void {
  if (connection.phase === 'guest-asked') connection.untold |= Untold.RESPONSE;
  connection.phase = 'open';
}

/** The guest has heard of it, so that it has to hear of its end. */
export function isKnown({ phase, untold }: Connection): boolean {
  return phase !== 'host-asked' || (untold & Untold.REQUEST) === 0;
}

/** False for more bytes than were asked for. */
export function addForGuest(connection: Connection, bytes: Uint8Array): boolean {
  const { waiting } = connection;
  if (waiting.length + bytes.length > VSOCK_WINDOW) return false;
  const all = new Uint8Array(waiting.length + bytes.length);
  all.set(waiting);
  all.set(bytes, waiting.length);
  connection.waiting = all;
  return true;
}

/** False for more bytes than the guest has been given room for. */
export function countFromGuest(connection: Connection, length: number): boolean {
  const underWay = (connection.received - connection.taken) >>> 0;
  if (underWay + length > VSOCK_WINDOW) return false;
  connection.received = (connection.received + length) >>> 0;
  return true;
}

/** The host has taken so many of the guest's bytes. The guest is told by every packet, and at last by one for that alone. */
export function countTaken(connection: Connection, count: number): void {
  const underWay = (connection.received - connection.taken) >>> 0;
  connection.taken = (connection.taken + Math.min(count, underWay)) >>> 0;
  if ((connection.taken - connection.told) >>> 0 >= VSOCK_WINDOW / 2) connection.untold |= Untold.CREDIT_UPDATE;
}

export function shutByHost(connection: Connection, what: number): void {
  if ((connection.hostShut | what) === connection.hostShut) return;
  connection.hostShut |= what;
  connection.untold |= Untold.SHUTDOWN;
}

/** The guest wants to know how much room it has. */
export function tellCredit(connection: Connection): void {
  connection.untold |= Untold.CREDIT_UPDATE;
}

/** Whether `nextWord` has something. */
export function hasWord(connection: Connection): boolean {
  const { untold, waiting, phase } = connection;
  if (untold & ~Untold.SHUTDOWN) return true;
  if (waiting.length > 0) return canSend(connection) > 0 || !connection.askedCredit;
  return untold !== 0 || phase === 'host-gone';
}

/** What the guest is to hear next, with at most `room` bytes; an `RST` is the last. Ask `hasWord` first. */
export function nextWord(connection: Connection, room: number): Word {
  const first = BEFORE_DATA.find(([bit]) => connection.untold & bit);
  if (first !== undefined) {
    connection.untold &= ~first[0];
    return { op: first[1], flags: 0, bytes: new Uint8Array() };
  }
  if (connection.waiting.length > 0) return data(connection, room);
  if (connection.phase === 'host-gone') return { op: Op.RST, flags: 0, bytes: new Uint8Array() };
  connection.untold &= ~Untold.SHUTDOWN;
  return { op: Op.SHUTDOWN, flags: connection.hostShut, bytes: new Uint8Array() };
}

function data(connection: Connection, room: number): Word {
  const length = Math.min(canSend(connection), room, connection.waiting.length);
  connection.askedCredit = length === 0;
  if (length === 0) return { op: Op.CREDIT_REQUEST, flags: 0, bytes: new Uint8Array() };
  const bytes = connection.waiting.slice(0, length);
  connection.waiting = connection.waiting.slice(length);
  connection.sent = (connection.sent + length) >>> 0;
  return { op: Op.RW, flags: 0, bytes };
}

/** §5.10.6.3. A guest that claims to have taken more than it got has no room. */
function canSend({ bufAlloc, sent, fwdCnt }: Connection): number {
  return Math.max(0, bufAlloc - ((sent - fwdCnt) >>> 0));
}
