// SPDX-License-Identifier: BSD-2-Clause
/**
 * What device and driver say to each other about ports. Reference: VIRTIO-1.2 §5.3.6.2. What the driver has not been told
 * is kept as one bit for each thing, not as a list of messages: a driver that takes none cannot make it grow, and it
 * hears of how things are, not of how they were.
 */

/** What there is to tell about a port, in the order in which it is told. */
export const Tell = {
  ADD: 0x01,
  CONSOLE: 0x02,
  NAME: 0x04,
  OPEN: 0x08,
  SIZE: 0x10,
} as const;

export const TELL_BITS = 0x1f;

const Event = {
  DEVICE_READY: 0,
  DEVICE_ADD: 1,
  PORT_READY: 3,
  CONSOLE_PORT: 4,
  RESIZE: 5,
  PORT_OPEN: 6,
  PORT_NAME: 7,
} as const;

export const CONTROL_LENGTH = 8;

/** What a driver says; null is none of it. */
export type DriverWord =
  | { readonly kind: 'device-ready' }
  | { readonly kind: 'port-ready' | 'port-open'; readonly port: number; readonly value: boolean }
  | null;

export function driverWord(message: Uint8Array): DriverWord {
  if (message.length < CONTROL_LENGTH) return null;
  const view = new DataView(message.buffer, message.byteOffset);
  const port = view.getUint32(0, true);
  const value = view.getUint16(6, true) !== 0;
  switch (view.getUint16(4, true)) {
    case Event.DEVICE_READY:
      return value ? { kind: 'device-ready' } : null;
    case Event.PORT_READY:
      return { kind: 'port-ready', port, value };
    case Event.PORT_OPEN:
      return { kind: 'port-open', port, value };
    default:
      return null;
  }
}

export interface PortFacts {
  readonly name: string;
  readonly isOpen: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** The first thing to tell of those in `untold`, which must not be 0, and the message that tells it. */
export function deviceWord(
  untold: number,
  port: number,
  { name, isOpen, columns, rows }: PortFacts,
): { told: number; message: Uint8Array } {
  const told = untold & -untold;
  switch (told) {
    case Tell.ADD:
      return { told, message: control(port, Event.DEVICE_ADD, 0) };
    case Tell.CONSOLE:
      return { told, message: control(port, Event.CONSOLE_PORT, 1) };
    case Tell.NAME:
      return { told, message: control(port, Event.PORT_NAME, 1, new TextEncoder().encode(name)) };
    case Tell.OPEN:
      return { told, message: control(port, Event.PORT_OPEN, Number(isOpen)) };
    default: {
      // §5.3.6.2.2 has columns first. Linux before 6.15 reads rows first.
      const size = new DataView(new ArrayBuffer(4));
      size.setUint16(0, columns, true);
      size.setUint16(2, rows, true);
      return { told, message: control(port, Event.RESIZE, 0, new Uint8Array(size.buffer)) };
    }
  }
}

function control(port: number, event: number, value: number, more: Uint8Array = new Uint8Array()): Uint8Array {
  const message = new Uint8Array(CONTROL_LENGTH + more.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, port, true);
  view.setUint16(4, event, true);
  view.setUint16(6, value, true);
  message.set(more, CONTROL_LENGTH);
  return message;
}
