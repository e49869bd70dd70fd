// SPDX-License-Identifier: BSD-2-Clause
/** virtio-blk: requests that are on their way together, are refused, are more than the device takes at once, and leave messages pending. */
import { DEFAULT_CONFIG } from '../../../src/machine/config.js';
import type { Machine } from '../../../src/machine/machine.js';
import { GuestCode } from '../guest-code.js';
import { MemoryDisk } from '../memory-disk.js';
import { COM1, done, type ProofGuest } from './proof-guest.js';
import { type Buffer, DEVICE, DriverCode, ISR, PlannedRing } from './virtio.js';

const SLOT = 3;
const IOAPIC_INDEX = 0xfec0_0000;
const IOAPIC_DATA = 0xfec0_0010;
/** Of its INTA#. */
const PIN = 16;
const LEVEL = 0x8000;
const INTX_VECTOR = 0x50;
const CHANGE_VECTOR = 0x51;
const [FIRST_VECTOR, SECOND_VECTOR] = [0x52, 0x53];

const FEATURES = (1n << 32n) | (1n << 9n) | (1n << 11n) | (1n << 12n); // VERSION_1, FLUSH, CONFIG_WCE, MQ
const WRITEBACK = DEVICE + 32;
const [READ, WRITE, FLUSH, GET_ID, NONSENSE] = [0, 1, 4, 8, 77];
const SECTOR = 512;
const SECTORS = 32;
const MANY = 40;
const NOWHERE = 1000;

/** What is written, and where it is read back. */
const [PATTERN, BACK] = [0x19_0000, 0x19_1000];
const [HEADERS, STATUSES, DATA] = [0x1a_0000, 0x1b_0000, 0x1a_8000];

class Requests extends PlannedRing {
  readonly headers: { readonly address: number; readonly type: number; readonly sector: number }[] = [];

  ask(type: number, sector: number, buffer: Buffer | null): this {
    const number = 0x80 * this.index + this.count;
    const header = { address: HEADERS + 16 * number, length: 16 };
    const status = { address: STATUSES + number, length: 1 };
    this.headers.push({ address: header.address, type, sector });
    const isWrite = type === WRITE;
    const data = buffer === null ? [] : [buffer];
    this.add([header, ...(isWrite ? data : [])], [...(isWrite ? [] : data), status]);
    return this;
  }
}

const [one, other] = [new Requests(0, 128), new Requests(1, 64)];
const code = new GuestCode();
const driver = new DriverCode(code, SLOT);

driver.placeBars().negotiate(FEATURES);
driver.common(0x10, 0, 2).setUp(one, 1).setUp(other, 2).start();

// INTx, a level, as long as there is no MSI-X.
code.store(IOAPIC_INDEX, 0x10 + 2 * PIN).store(IOAPIC_DATA, LEVEL | INTX_VECTOR);
driver.offer(one.ask(READ, 3, { address: DATA, length: 2 * SECTOR })).waitFor(one);

driver.msixVector(0, CHANGE_VECTOR).msixVector(1, FIRST_VECTOR).msixVector(2, SECOND_VECTOR).enableMsix();
// The one that is asked for first comes last; the others are due together.
driver.offer(other.ask(READ, 8, { address: DATA + 0x400, length: 8 * SECTOR }));
one
  .ask(WRITE, 1, { address: PATTERN, length: 2 * SECTOR })
  .ask(GET_ID, 0, { address: DATA + 0x1400, length: 20 })
  .ask(NONSENSE, 0, null)
  .ask(READ, NOWHERE, { address: DATA + 0x1600, length: SECTOR });
driver.offer(one).waitFor(one).waitFor(other);

// Without its cache, and with a message that nobody may send yet.
code.store(WRITEBACK, 0, 1);
driver.maskMsix(1, true);
driver.offer(one.ask(WRITE, 20, { address: PATTERN + 2 * SECTOR, length: 2 * SECTOR }));
driver.offer(other.ask(READ, 0, { address: DATA + 0x400, length: 4 * SECTOR })).waitFor(other);
code.load(WRITEBACK, 1);
driver.maskMsix(1, false);
code.sti().nop(1).cli().store(WRITEBACK, 1, 1);

for (let count = 0; count < MANY; count += 1) one.ask(FLUSH, 0, null);
driver.offer(one).waitFor(one);
one
  .ask(READ, 1, { address: BACK, length: 2 * SECTOR })
  .ask(READ, 20, { address: BACK + 2 * SECTOR, length: 2 * SECTOR });
driver.offer(one).waitFor(one);
code
  .bytes(0x49, 0x89, 0xff) // mov r15, rdi
  .bytes(0xbe, PATTERN & 0xff, (PATTERN >> 8) & 0xff, PATTERN >> 16, 0) // mov esi, PATTERN
  .bytes(0xbf, BACK & 0xff, (BACK >> 8) & 0xff, BACK >> 16, 0) // mov edi, BACK
  .bytes(0xb9, SECTOR & 0xff, SECTOR >> 8, 0, 0, 0xf3, 0xa7) // mov ecx, dwords of four sectors; repe cmpsd
  .bytes(0x4c, 0x89, 0xff) // mov rdi, r15
  .jumpIfNotZero('another disk');
done(code);
code.label('another disk').out(COM1, '?'.charCodeAt(0)).rest();
driver.handler(INTX_VECTOR, () => code.load(ISR, 1));
for (const vector of [CHANGE_VECTOR, FIRST_VECTOR, SECOND_VECTOR]) driver.handler(vector);

function prepare({ parts }: Machine): void {
  const { memory } = parts.engine;
  memory.write(
    PATTERN,
    Uint8Array.from({ length: 4 * SECTOR }, (_, index) => 7 * index + (index >> 8)),
  );
  for (const ring of [one, other]) {
    ring.write(memory);
    for (const { address, type, sector } of ring.headers) {
      memory.writeU32(address, type);
      memory.writeU64(address + 8, BigInt(sector));
    }
  }
}

/** Requests of 1 us, with as much again for two sectors; what the host does itself is done as late as it may be. */
const options = { path: 'memory', queues: '2', latency: '1' };

export const disk: ProofGuest = {
  name: 'disk',
  code,
  end: 60_000n,
  config: { pci: [...DEFAULT_CONFIG.pci, { slot: SLOT, fn: 0, kind: 'virtio-blk', options }] },
  prepare,
  devices: () => ({
    openDisk: () =>
      new MemoryDisk(
        Uint8Array.from({ length: SECTORS * SECTOR }, (_, index) => index >> 6),
        { late: true },
      ),
  }),
};
