// SPDX-License-Identifier: BSD-2-Clause
/**
 * What stands behind a virtio socket device. Both ends say the same things to each other; which end a port belongs to is
 * in its name. Each end has at most `VSOCK_WINDOW` bytes of a connection on their way to the other that have not been
 * `taken` there.
 */

export const VSOCK_WINDOW = 128 * 1024;
export const MOST_VSOCK_CONNECTIONS = 256;

/** A connection is known by these. */
export interface VsockPorts {
  readonly host: number;
  readonly guest: number;
}

export type VsockMessage = VsockPorts &
  (
    | { readonly op: 'request' }
    | { readonly op: 'response' }
    /** Refused, or over at once. Whoever hears it forgets the connection. */
    | { readonly op: 'reset' }
    | { readonly op: 'data'; readonly bytes: Uint8Array }
    /** Room for so many bytes more. */
    | { readonly op: 'taken'; readonly count: number }
    /** The sender of this will not receive, or not send, any more. After both it waits for the other's `reset`. */
    | { readonly op: 'shutdown'; readonly receive: boolean; readonly send: boolean }
  );

/** The device, as its back end sees it. On the machine's thread. */
export interface VsockPort {
  receive(message: VsockMessage): void;
  /** The back end is not crowded any more. */
  roomAgain(): void;
}

export interface VsockBackend {
  /** What comes in, and when, is not the machine's own doing; and connections do not outlive a restore. */
  readonly isLive: boolean;
  /** It has been told a lot that it has not heard. What the device need not say waits for `roomAgain`. */
  readonly isCrowded: boolean;
  /** Called once, before anything else. */
  attach(port: VsockPort): void;
  send(message: VsockMessage): void;
  close(): void;
}
