// SPDX-License-Identifier: BSD-2-Clause
/** What stands behind a virtio network card. The host layer implements it; the card knows frames, not how they travel. */

/** What is still to be done to a frame, in the words of VIRTIO-1.2 §5.1.6; all zero for one that is complete. */
export interface PacketHeader {
  readonly flags: number;
  readonly gsoType: number;
  readonly hdrLen: number;
  readonly gsoSize: number;
  readonly csumStart: number;
  readonly csumOffset: number;
}

export interface Frame {
  readonly header: PacketHeader;
  /** From the destination address on, without the check sequence. They may be the guest's own memory: whoever keeps them copies them. */
  readonly bytes: Uint8Array;
}

/** What a back end takes, and gives, unfinished. */
export interface NetOffloads {
  /** Frames whose checksum is to be computed. */
  readonly checksum: boolean;
  /** TCP segments that are to be cut. */
  readonly segmentation: boolean;
  /** The same for UDP datagrams. */
  readonly udpSegmentation: boolean;
}

export const NO_OFFLOADS: NetOffloads = { checksum: false, segmentation: false, udpSegmentation: false };

/** What a guest takes unfinished, at this moment. */
export interface GuestOffloads {
  readonly checksum: boolean;
  readonly tcp4: boolean;
  readonly tcp6: boolean;
  readonly udp: boolean;
}

/** The card, as its back end sees it. Everything is called on the machine's thread, between two pieces of the guest's run or within `send` of another card. */
export interface NetPort {
  receive(frame: Frame): void;
  /** Room for a batch, whatever the guest does. While there is none the back end may wait for `roomAgain`. */
  readonly hasRoom: boolean;
  /** The cable is plugged in, or out. */
  setLink(up: boolean): void;
}

export interface NetBackend {
  /** What comes in, and when, is not the machine's own doing. */
  readonly isLive: boolean;
  readonly offloads: NetOffloads;
  /** Called once, before anything else. */
  attach(port: NetPort): void;
  /** False if there was no room, and the frame is lost as on a wire. It never waits. */
  send(frame: Frame): boolean;
  /** What the guest takes from now on. Until this is called it takes complete frames only. */
  guestTakes(offloads: GuestOffloads): void;
  /** The card may have room for frames that it had none for. */
  roomAgain(): void;
  close(): void;
}

/** Frames that a back end gives at once, together no longer than one may be alone. */
export const BATCH_FRAMES = 64;

export const MAC_LENGTH = 6;
const ETHERNET_HEADER = 14;
/** Two addresses and a type around the most that fits into an IP packet. */
export const LONGEST_FRAME = ETHERNET_HEADER + 65535;
export const SHORTEST_FRAME = ETHERNET_HEADER;
