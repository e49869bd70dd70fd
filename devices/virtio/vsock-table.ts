// SPDX-License-Identifier: BSD-2-Clause
/** The connections of a socket device, between what the guest says and what the host says. Reference: VIRTIO-1.2 §5.10.6. */
import { list, record, u16, u32, u64 } from '../../src/core/state-fields.js';
import { MOST_VSOCK_CONNECTIONS, VSOCK_WINDOW, type VsockBackend, type VsockMessage } from './vsock-backend.js';
import {
  addForGuest,
  type Connection,
  connectionField,
  countFromGuest,
  countTaken,
  hasWord,
  isKnown,
  newConnection,
  nextWord,
  open,
  shutByHost,
  tellCredit,
} from './vsock-connection.js';
import { encodeVsockPacket, HOST_CID, Op, Shutdown, STREAM, type VsockHeader } from './vsock-packet.js';

/** With so many refusals unheard a guest is not listened to. */
const MANY_REFUSALS = 64;
/** The host may end all connections besides. */
const MOST_REFUSALS = MANY_REFUSALS + MOST_VSOCK_CONNECTIONS;
const NO_BYTES = new Uint8Array();

const refusalField = record({
  cid: u64({ doc: 'that the guest wanted to talk to' }),
  type: u16(),
  host: u32({ doc: 'port' }),
  guest: u32({ doc: 'port' }),
});
type Refusal = ReturnType<typeof refusalField.initial>;

export const tableFields = {
  connections: list(connectionField, { max: MOST_VSOCK_CONNECTIONS, doc: 'the next to be served first' }),
  refusals: list(refusalField, { max: MOST_REFUSALS, doc: 'connections that the guest is to take for reset' }),
};

export interface TableState {
  readonly cid: bigint;
  connections: Connection[];
  refusals: Refusal[];
}

export class VsockTable {
  constructor(
    private readonly state: () => TableState,
    private readonly backend: VsockBackend,
  ) {}

  /** Whether `nextPacket` has one. */
  get hasPacket(): boolean {
    const { refusals, connections } = this.state();
    return refusals.length > 0 || connections.some(hasWord);
  }

  get isCrowded(): boolean {
    return this.state().refusals.length >= MANY_REFUSALS;
  }

  /** Forgets everything. */
  clear(): readonly Connection[] {
    const state = this.state();
    const { connections } = state;
    Object.assign(state, { connections: [], refusals: [] });
    return connections;
  }

  /** The guest has forgotten everything. */
  reset(): void {
    for (const connection of this.clear()) this.tellHostOfEnd(connection);
  }

  /** `isReady`: the guest can hear of a new connection. */
  hearHost(message: VsockMessage, isReady: boolean): void {
    const { host, guest } = message;
    const found = this.find(host, guest);
    if (message.op !== 'request') {
      if (found !== undefined) this.hearOf(found, message);
    } else if (found === undefined && isReady && !this.isFull) {
      this.state().connections.push(newConnection(host, guest, 'host-asked'));
    } else {
      this.backend.send({ op: 'reset', host, guest });
    }
  }

  /** `bytes` null: the packet has fewer than its header says. */
  hearGuest(header: VsockHeader, bytes: Uint8Array | null): void {
    const isOurs = header.dstCid === HOST_CID && header.type === STREAM;
    const connection = isOurs ? this.find(header.dstPort, header.srcPort) : undefined;
    if (connection === undefined) {
      this.hearStranger(header, isOurs && bytes !== null);
      return;
    }
    connection.bufAlloc = header.bufAlloc;
    connection.fwdCnt = header.fwdCnt;
    if (bytes === null || !this.obeys(connection, header, bytes)) this.refuse(header, connection);
  }

  /** With at most `room` bytes of data. */
  nextPacket(room: number): Uint8Array {
    const { refusals, connections, cid: dstCid } = this.state();
    const refusal = refusals.shift();
    if (refusal !== undefined) {
      const { cid: srcCid, host: srcPort, guest: dstPort, type } = refusal;
      const nothing = { flags: 0, bufAlloc: 0, fwdCnt: 0 };
      return encodeVsockPacket({ srcCid, dstCid, srcPort, dstPort, type, op: Op.RST, ...nothing }, NO_BYTES);
    }
    const [connection] = connections.splice(connections.findIndex(hasWord), 1);
    if (connection === undefined) throw new RangeError('there is nothing to tell');
    const { op, flags, bytes } = nextWord(connection, room);
    if (op !== Op.RST) connections.push(connection); // the others have their turn first
    connection.told = connection.taken;
    const { host, guest, taken, phase } = connection;
    if (bytes.length > 0 && phase === 'open') this.backend.send({ op: 'taken', host, guest, count: bytes.length });
    const credit = { bufAlloc: VSOCK_WINDOW, fwdCnt: taken };
    const ports = { srcCid: HOST_CID, dstCid, srcPort: host, dstPort: guest };
    return encodeVsockPacket({ ...ports, type: STREAM, op, flags, ...credit }, bytes);
  }

  private hearOf(connection: Connection, message: Exclude<VsockMessage, { op: 'request' }>): void {
    switch (message.op) {
      case 'response':
        open(connection);
        break;
      case 'data':
        this.addData(connection, message.bytes);
        break;
      case 'taken':
        countTaken(connection, message.count);
        break;
      case 'shutdown':
        shutByHost(connection, shutdownBits(message.receive, message.send));
        break;
      case 'reset':
        if (connection.phase === 'open' && connection.waiting.length > 0) connection.phase = 'host-gone';
        else this.end(connection);
        break;
    }
  }

  private addData(connection: Connection, bytes: Uint8Array): void {
    const { host, guest, guestShut } = connection;
    if (guestShut & Shutdown.RECEIVE) {
      this.backend.send({ op: 'taken', host, guest, count: bytes.length });
    } else if (!addForGuest(connection, bytes)) {
      this.end(connection);
      this.tellHostOfEnd(connection);
    }
  }

  private hearStranger(header: VsockHeader, isSound: boolean): void {
    if (header.op === Op.RST) return;
    if (!isSound || header.op !== Op.REQUEST || this.isFull) {
      this.refuse(header);
      return;
    }
    const { dstPort: host, srcPort: guest, bufAlloc, fwdCnt } = header;
    this.state().connections.push({ ...newConnection(host, guest, 'guest-asked'), bufAlloc, fwdCnt });
    this.backend.send({ op: 'request', host, guest });
  }

  /** False for what breaks the rules of a connection. */
  private obeys(connection: Connection, { op, flags }: VsockHeader, bytes: Uint8Array): boolean {
    const { host, guest, phase } = connection;
    switch (op) {
      case Op.RESPONSE:
        if (phase !== 'host-asked' || !isKnown(connection)) return false;
        open(connection);
        this.backend.send({ op: 'response', host, guest });
        return true;
      case Op.RST:
        this.remove(connection);
        this.tellHostOfEnd(connection);
        return true;
      case Op.SHUTDOWN:
        return this.shutByGuest(connection, flags & Shutdown.BOTH);
      case Op.RW:
        return this.sendData(connection, bytes);
      case Op.CREDIT_UPDATE:
        return true;
      case Op.CREDIT_REQUEST:
        tellCredit(connection);
        return true;
      default:
        return false;
    }
  }

  private sendData(connection: Connection, bytes: Uint8Array): boolean {
    const { host, guest, phase, guestShut } = connection;
    if (phase === 'host-gone') return true;
    if (phase !== 'open' || guestShut & Shutdown.SEND || !countFromGuest(connection, bytes.length)) return false;
    if (bytes.length > 0) this.backend.send({ op: 'data', host, guest, bytes });
    return true;
  }

  private shutByGuest(connection: Connection, what: number): boolean {
    const { host, guest, phase, waiting } = connection;
    if (phase !== 'open' && phase !== 'host-gone') return false;
    connection.guestShut |= what;
    if (connection.guestShut & Shutdown.RECEIVE) connection.waiting = NO_BYTES;
    if (phase === 'host-gone') return true;
    const dropped = waiting.length - connection.waiting.length;
    if (dropped > 0) this.backend.send({ op: 'taken', host, guest, count: dropped });
    this.backend.send({ op: 'shutdown', host, guest, ...shutdownWords(connection.guestShut) });
    return true;
  }

  /** The guest hears that there is no such connection, and if there was one, both sides do. */
  private refuse({ dstCid, dstPort, srcPort, type }: VsockHeader, connection?: Connection): void {
    if (connection !== undefined) {
      this.remove(connection);
      this.tellHostOfEnd(connection);
    }
    this.pushRefusal({ cid: dstCid, type, host: dstPort, guest: srcPort });
  }

  private end(connection: Connection): void {
    this.remove(connection);
    const { host, guest } = connection;
    if (isKnown(connection)) this.pushRefusal({ cid: HOST_CID, type: STREAM, host, guest });
  }

  private pushRefusal(refusal: Refusal): void {
    const { refusals } = this.state();
    if (refusals.length < MOST_REFUSALS) refusals.push(refusal);
  }

  private tellHostOfEnd({ host, guest, phase }: Connection): void {
    if (phase !== 'host-gone') this.backend.send({ op: 'reset', host, guest });
  }

  private remove(connection: Connection): void {
    const { connections } = this.state();
    const at = connections.indexOf(connection);
    if (at >= 0) connections.splice(at, 1);
  }

  private find(host: number, guest: number): Connection | undefined {
    return this.state().connections.find((connection) => connection.host === host && connection.guest === guest);
  }

  private get isFull(): boolean {
    return this.state().connections.length >= MOST_VSOCK_CONNECTIONS;
  }
}

const shutdownBits = (receive: boolean, send: boolean): number =>
  (receive ? Shutdown.RECEIVE : 0) | (send ? Shutdown.SEND : 0);
const shutdownWords = (bits: number): { receive: boolean; send: boolean } => ({
  receive: (bits & Shutdown.RECEIVE) !== 0,
  send: (bits & Shutdown.SEND) !== 0,
});
