// SPDX-License-Identifier: BSD-2-Clause
/** Network links that the addon has threads for. native/net/link.h. */

/** A port of the host that leads to one of the guest. Addresses are numeric; an empty one stands for all, or the first that DHCP gives. */
export interface Forward {
  readonly protocol: 'tcp' | 'udp';
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly guestAddress: string;
  readonly guestPort: number;
}

export interface SlirpRequest {
  readonly network: string;
  readonly mask: string;
  readonly host: string;
  readonly dns: string;
  readonly dhcpStart: string;
  /** The guest reaches nothing by itself. */
  readonly isRestricted: boolean;
  readonly forwards: readonly Forward[];
}

export type LinkRequest = ({ readonly kind: 'slirp' } & SlirpRequest) | { readonly kind: 'tap'; readonly name: string };

/** The bits of native/net/offloads.h. */
export const LinkOffload = { CHECKSUM: 1, TCP4: 2, TCP6: 4, UDP: 8 } as const;

export interface NativeLink {
  /** Received frames, as native/net/frame_ring.h has them. */
  readonly memory: Uint8Array;
  /** What it takes from the guest unfinished. */
  readonly offloads: number;
  /** Bytes of records that are there; the next one behind these is announced by an event. */
  take(): number;
  /** Frees them, from the oldest on. */
  release(bytes: number): void;
  /** Posts the event again. */
  announceAgain(): void;
  /** `header` is at most 12 bytes. False if there is no room. */
  send(header: Uint8Array, frame: Uint8Array): boolean;
  /** What the guest takes unfinished. */
  give(offloads: number): void;
  /** Why it is down; empty while it is up. */
  failure(): string;
  close(): void;
}

/** The event of a link is that of `source`, with its token. What is wrong is thrown in one line. */
export type OpenNativeLink = (source: number, token: number, request: LinkRequest) => NativeLink;
