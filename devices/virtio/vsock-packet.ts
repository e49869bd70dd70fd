// SPDX-License-Identifier: BSD-2-Clause
/** The header of every packet of the socket device. Reference: VIRTIO-1.2 §5.10.6. */

export const VSOCK_HEADER = 44;
/** §5.10.4: the host's address, and the first one that a guest may have. */
export const HOST_CID = 2n;
export const FIRST_GUEST_CID = 3n;
export const LAST_GUEST_CID = 0xffff_fffen;
export const STREAM = 1;

export const Op = {
  REQUEST: 1,
  RESPONSE: 2,
  RST: 3,
  SHUTDOWN: 4,
  RW: 5,
  CREDIT_UPDATE: 6,
  CREDIT_REQUEST: 7,
} as const;

/** §5.10.6.5: what the sender will not do any more. */
export const Shutdown = { RECEIVE: 1, SEND: 2, BOTH: 3 } as const;

/** With the names of the specification. */
export interface VsockHeader {
  readonly srcCid: bigint;
  readonly dstCid: bigint;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly len: number;
  readonly type: number;
  readonly op: number;
  readonly flags: number;
  readonly bufAlloc: number;
  readonly fwdCnt: number;
}

export function decodeVsockHeader(bytes: Uint8Array): VsockHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, VSOCK_HEADER);
  return {
    srcCid: view.getBigUint64(0, true),
    dstCid: view.getBigUint64(8, true),
    srcPort: view.getUint32(16, true),
    dstPort: view.getUint32(20, true),
    len: view.getUint32(24, true),
    type: view.getUint16(28, true),
    op: view.getUint16(30, true),
    flags: view.getUint32(32, true),
    bufAlloc: view.getUint32(36, true),
    fwdCnt: view.getUint32(40, true),
  };
}

export function encodeVsockPacket(header: Omit<VsockHeader, 'len'>, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(VSOCK_HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, header.srcCid, true);
  view.setBigUint64(8, header.dstCid, true);
  view.setUint32(16, header.srcPort, true);
  view.setUint32(20, header.dstPort, true);
  view.setUint32(24, data.length, true);
  view.setUint16(28, header.type, true);
  view.setUint16(30, header.op, true);
  view.setUint32(32, header.flags, true);
  view.setUint32(36, header.bufAlloc, true);
  view.setUint32(40, header.fwdCnt, true);
  bytes.set(data, VSOCK_HEADER);
  return bytes;
}
