// SPDX-License-Identifier: BSD-2-Clause
/** virtio-net: frames that wait for buffers, are filtered, belong to two pairs of queues, or are lost; a link that goes and comes. */
import type { Frame, NetOffloads } from '../../../devices/virtio/net-backend.js';
import { DEFAULT_CONFIG } from '../../../src/machine/config.js';
import type { Machine } from '../../../src/machine/machine.js';
import { GuestCode } from '../guest-code.js';
import { MemoryCable } from '../memory-cable.js';
import { SEGMENT_LENGTH, tcpSegment } from '../tcp-segment.js';
import { done, type HostSide, type ProofGuest } from './proof-guest.js';
import { DEVICE, DriverCode, ISR, PlannedRing } from './virtio.js';

const SLOT = 4;
const CARD = 'pci-0:4:0';
const VECTOR = 0x60;
const NO_VECTOR = 0xffff;
const STATUS = DEVICE + 6;

/** CSUM, GUEST_CSUM, CTRL_GUEST_OFFLOADS, MTU, MAC, GUEST_TSO4, STATUS, CTRL_VQ, CTRL_RX and its extra, ANNOUNCE, MQ, CTRL_MAC, VERSION_1. */
const FEATURES = [0, 1, 2, 3, 5, 7, 16, 17, 18, 20, 21, 22, 23, 32].reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
const HEADER = 12;
const ROOM = HEADER + SEGMENT_LENGTH;
/** More than the card takes at once. */
const MANY = 70;

const [FRAMES, ROOMS, COMMANDS] = [0x15_0000, 0x16_0000, 0x17_0000];
const ADDRESS = [0x00, 0xa0, 0x98, 1, 2, 3];
const OTHER_ADDRESS = [0x02, 0, 0, 0, 0, 7];
const GROUP = [0x01, 0, 0x5e, 0, 0, 9];
const EVERYBODY = [255, 255, 255, 255, 255, 255];
/** Whose frames go to which pair of queues. */
const [TO_FIRST, TO_SECOND] = [1, 3] as const;

/** Behind a header that says: checksum to be made, TCP segments of 20 bytes. */
function unfinished(frame: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 1, 54, 0, 20, 0, 34, 0, 16, 0, 0, 0, ...frame);
}

function complete(frame: Uint8Array): Uint8Array {
  return Uint8Array.of(...new Uint8Array(HEADER), ...frame);
}

const receive = [new PlannedRing(0, 256), new PlannedRing(2, 64)] as const;
const transmit = [new PlannedRing(1, 256), new PlannedRing(3, 256)] as const;
const control = new PlannedRing(4, 256, true);
const commands: number[][] = [];
let rooms = 0;

const code = new GuestCode();
const driver = new DriverCode(code, SLOT);

/** Buffers for so many frames. */
function makeRoom(pair: 0 | 1, count: number): void {
  for (let added = 0; added < count; added += 1) {
    receive[pair].add([], [{ address: ROOMS + 0x80 * rooms, length: ROOM }]);
    rooms += 1;
  }
  driver.offer(receive[pair]);
}

function send(pair: 0 | 1, length = ROOM, count = 1): void {
  for (let added = 0; added < count; added += 1) transmit[pair].add([{ address: FRAMES, length }], []);
  driver.offer(transmit[pair]);
}

function command(...bytes: readonly number[]): void {
  const address = COMMANDS + 0x400 * commands.length;
  commands.push([...bytes]);
  control.add([{ address, length: bytes.length }], [{ address: address + bytes.length, length: 1 }]);
  driver.offer(control);
}

function tables(unicast: readonly number[][], multicast: readonly number[][]): void {
  const table = (list: readonly number[][]): number[] => [list.length, 0, 0, 0, ...list.flat()];
  command(1, 0, ...table(unicast), ...table(multicast));
}

driver.placeBars().negotiate(FEATURES).common(0x10, 0, 2);
for (const ring of [...receive, ...transmit, control])
  driver.setUp(ring, ring === control ? NO_VECTOR : 1 + ring.index);
driver.enableMsi(VECTOR).start();

makeRoom(0, 2);
driver.waitFor(receive[0], 1);
send(0);
// The second of five has a buffer, the others wait.
driver.waitFor(receive[0], 2);
code.nop(4);
makeRoom(0, 5);
driver.waitFor(receive[0], 6);

for (const [mode, isOn] of [0, 1, 2, 3, 4, 5].flatMap((number) => [[number, number === 0 ? 0 : 1]] as const)) {
  command(0, mode, isOn);
}
for (const mode of [5, 4, 3, 2, 1]) command(0, mode, 0);
tables([OTHER_ADDRESS], [GROUP]);
const many = Array.from({ length: 65 }, (_, index) => [2, 1, 1, 1, 1, index]);
tables(many, []);
tables([], many);
tables([OTHER_ADDRESS], [GROUP]);
command(1, 1, 2, 0, 0, 0, 0, 5);
command(5, 0, 0x02, 0, 0, 0, 0, 0, 0, 0); // GUEST_CSUM alone
command(4, 0, 2, 0);

// Of the two conversations one has no buffers.
send(1);
driver.waitFor(receive[0], 7);
code.nop(4);
makeRoom(1, 4);
driver.waitFor(receive[1], 2);

driver.maskMsi(true);
send(0);
code.nop(60);
driver.maskMsi(false);
driver.waitFor(receive[1], 3);

// Down and up again.
send(0);
for (let times = 0; times < 2; times += 1) code.sti().hlt().cli().load(STATUS, 2).load(ISR, 1);
command(3, 0);
code.load(STATUS, 2);

send(0, HEADER + 5); // no frame
send(1, ROOM, MANY);
driver.waitFor(transmit[1]);
done(code);
driver.handler(VECTOR);

function prepare({ parts }: Machine): void {
  const { memory } = parts.engine;
  memory.write(FRAMES, complete(tcpSegment(EVERYBODY, TO_FIRST)));
  commands.forEach((bytes, index) => {
    memory.write(COMMANDS + 0x400 * index, Uint8Array.from(bytes));
  });
  for (const ring of [...receive, ...transmit, control]) ring.write(memory);
}

/** It answers what the guest sends, and sends more than that can take. */
function meet(host: HostSide): void {
  const give = (...packets: readonly Uint8Array[]): void => host.ask('receivePackets', CARD, packets);
  host.run(50n);
  give(complete(tcpSegment(EVERYBODY, TO_FIRST))); // nobody has started the card
  host.run(2000n);
  give(complete(tcpSegment(EVERYBODY, TO_FIRST)));
  host.listen();
  const answer = unfinished(tcpSegment(ADDRESS, TO_FIRST));
  give(answer, answer, answer);
  give(complete(tcpSegment(ADDRESS, TO_SECOND)), answer);
  host.listen();
  give(complete(tcpSegment(OTHER_ADDRESS, TO_SECOND)), complete(tcpSegment(ADDRESS, TO_SECOND)));
  give(complete(tcpSegment(GROUP, TO_SECOND)), complete(tcpSegment(OTHER_ADDRESS, TO_FIRST)));
  host.listen();
  give(complete(tcpSegment(GROUP, TO_SECOND)));
  host.listen();
  host.ask('linkDown', CARD);
  host.run(300n);
  host.ask('linkUp', CARD);
}

/** Its other end is where the console's is: in the output. */
class Wire extends MemoryCable {
  constructor(
    private readonly output: number[],
    offloads: NetOffloads,
  ) {
    super(offloads, true);
  }

  override send(frame: Frame): boolean {
    this.output.push(...frame.bytes);
    return super.send(frame);
  }
}

const options = { tap: 'tap0', offload: 'on', mac: '00:a0:98:01:02:03', mtu: '1400', queues: '2', msix: 'off' };

export const network: ProofGuest = {
  name: 'network card',
  code,
  end: 20_000n,
  config: { pci: [...DEFAULT_CONFIG.pci, { slot: SLOT, fn: 0, kind: 'virtio-net', options }] },
  prepare,
  meet,
  devices: (output) => ({ openNative: (_id, _request, offloads) => new Wire(output, offloads), repeatsInputs: true }),
};
