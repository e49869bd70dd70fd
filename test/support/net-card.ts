// SPDX-License-Identifier: BSD-2-Clause
/** A network card on a cable in memory, with a driver, and what a driver does with it. */
import { virtioNet } from '../../devices/virtio/net.js';
import type { NetOffloads } from '../../devices/virtio/net-backend.js';
import { MemoryCable } from './memory-cable.js';
import { bitsOf, type DriverOptions, VERSION_1, VirtioDriver } from './virtio-driver.js';
import { VirtioRig } from './virtio-rig.js';

export const [
  CSUM,
  GUEST_CSUM,
  MTU,
  MAC,
  GUEST_TSO4,
  HOST_TSO4,
  MRG_RXBUF,
  STATUS,
  CTRL_VQ,
  CTRL_RX,
  ANNOUNCE,
  CTRL_MAC,
] = [0, 1, 3, 5, 7, 11, 15, 16, 17, 18, 21, 23].map((bit) => bitsOf(bit)) as [
  ...[bigint, bigint, bigint, bigint, bigint, bigint],
  ...[bigint, bigint, bigint, bigint, bigint, bigint],
];
export const [RX, TX, CONTROL] = [0, 1, 2] as const;
export const ADDRESS = Uint8Array.of(0x00, 0xa0, 0x98, 1, 2, 3);
export const CARD = { mac: ADDRESS, mtu: null, pairs: 1, place: 0x20 };
export const COMPLETE = { flags: 0, gsoType: 0, hdrLen: 0, gsoSize: 0, csumStart: 0, csumOffset: 0 };

interface Setup extends DriverOptions {
  readonly offloads?: NetOffloads;
  readonly live?: boolean;
  readonly mtu?: number;
  readonly pairs?: number;
}

export function startCard({ offloads, live, mtu, pairs, ...options }: Setup = {}) {
  const cable = new MemoryCable(offloads, live);
  const rig = new VirtioRig(
    virtioNet({ ...CARD, backend: cable, mtu: mtu ?? null, pairs: pairs ?? 1 }),
    'transitional',
    true,
  );
  const driver = new VirtioDriver(rig, { features: VERSION_1, ...options }).start();
  rig.messages();
  return { cable, rig, driver };
}
export type StartedCard = ReturnType<typeof startCard>;

/** A frame to our card whose other bytes tell which one it is. */
export const frame = (length: number, mark = 0x11): Uint8Array => {
  const bytes = new Uint8Array(length).fill(mark);
  bytes.set(ADDRESS);
  return bytes;
};
export const arrive = ({ cable }: StartedCard, bytes: Uint8Array, header = {}): void =>
  cable.port?.receive({ bytes, header: { ...COMPLETE, ...header } });

export function offer({ driver }: StartedCard, length: number, kick = true): number {
  const address = driver.allocate(length);
  driver.ring(RX).add([], [{ address, length }]);
  if (kick) driver.kick(RX);
  return address;
}

export function send(
  { driver, rig }: StartedCard,
  header: readonly number[],
  bytes: Uint8Array,
  cut = header.length,
): void {
  const all = Uint8Array.of(...header, ...bytes);
  const address = driver.allocate(all.length);
  rig.memory.write(address, all);
  driver.ring(TX).add(
    [
      { address, length: cut },
      { address: address + cut, length: all.length - cut },
    ],
    [],
  );
  driver.kick(TX);
}

export function commandOn({ driver, rig }: StartedCard, queue: number, ...bytes: readonly number[]): number {
  const address = driver.allocate(bytes.length + 1);
  rig.memory.write(address, Uint8Array.from(bytes));
  rig.memory.writeU8(address + bytes.length, 0xee);
  driver.ring(queue).add([{ address, length: bytes.length }], [{ address: address + bytes.length, length: 1 }]);
  driver.kick(queue);
  return rig.memory.readU8(address + bytes.length);
}

/** The same to a card with one pair of queues. */
export const command = (started: StartedCard, ...bytes: readonly number[]): number =>
  commandOn(started, CONTROL, ...bytes);

export const counts = ({ rig }: StartedCard) => {
  const { lostIn, lostOut } = rig.device.serialize().fields;
  return { in: Number(lostIn), out: Number(lostOut) };
};
