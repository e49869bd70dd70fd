// SPDX-License-Identifier: BSD-2-Clause
/**
 * Which pair of queues a frame for the guest goes to. What belongs to one conversation always goes to the same, so that its
 * order stays, and nothing about it has to be remembered. Reference: VIRTIO-1.2 §5.1.6.5.5, automatic receive steering.
 */

const ETHERNET_HEADER = 14;
const TYPE_AT = 12;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const TCP = 6;
const UDP = 17;
/** "More fragments" and the offset: only the first fragment has ports, so none of them is steered by these. */
const FRAGMENT = 0x3fff;

export function pairFor(frame: Uint8Array, pairs: number): number {
  return pairs === 1 ? 0 : flowHash(frame) % pairs;
}

function flowHash(frame: Uint8Array): number {
  const word = (at: number): number => ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  switch (word(TYPE_AT)) {
    case IPV4: {
      const ports = ETHERNET_HEADER + 4 * ((frame[ETHERNET_HEADER] ?? 0) & 0x0f);
      const isWhole = (word(ETHERNET_HEADER + 6) & FRAGMENT) === 0;
      return hash(frame, ETHERNET_HEADER + 12, 8, isWhole && hasPorts(frame[ETHERNET_HEADER + 9]) ? ports : null);
    }
    case IPV6: {
      const ports = ETHERNET_HEADER + 40;
      return hash(frame, ETHERNET_HEADER + 8, 32, hasPorts(frame[ETHERNET_HEADER + 6]) ? ports : null);
    }
    default:
      return 0;
  }
}

function hasPorts(protocol: number | undefined): boolean {
  return protocol === TCP || protocol === UDP;
}

/** FNV-1a (RFC draft-eastlake-fnv), with its upper half folded in, over addresses and ports. */
function hash(frame: Uint8Array, addresses: number, length: number, ports: number | null): number {
  let value = 0x811c9dc5;
  const add = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) value = Math.imul(value ^ (frame[at] ?? 0), 0x01000193);
  };
  add(addresses, addresses + length);
  if (ports !== null) add(ports, ports + 4);
  return (value ^ (value >>> 16)) & 0xffff;
}
