// SPDX-License-Identifier: BSD-2-Clause
/** Every field of these devices' own is needed by a guest or a host that goes on after a restore. */
import { type VirtioBalloon, virtioBalloon } from '../../devices/virtio/balloon.js';
import { GuestMemory } from '../../src/core/guest-memory.js';
import { type Life, unnoticed } from '../support/field-mutants.js';
import { Rig } from '../support/rig.js';
import { RING_PACKED, VERSION_1, VirtioDriver } from '../support/virtio-driver.js';
import { VirtioRig } from '../support/virtio-rig.js';
import {
  CREDIT_REQUEST,
  CREDIT_UPDATE,
  MemorySockets,
  REQUEST,
  RESPONSE,
  RST,
  RW,
  SHUTDOWN,
  VsockGuest,
} from '../support/vsock-guest.js';

/** These have proofs of their own. */
const COMMON = ['config', 'msi', 'msix', 'virtio'];
const PHASES = ['host-asked', 'guest-asked', 'open', 'host-gone'];
const HALF = 64 * 1024;

function sockets(): Life {
  const guest = new VsockGuest(new MemorySockets(true));
  const { backend } = guest;
  const called = { host: 5000, guest: 80 };
  const calling = { host: 22, guest: 1024 };
  const from = { src: 80, dst: 5000 };
  const back = { src: 1024, dst: 22 };
  const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => index);
  const seen = () => {
    const packets = guest.received().map(({ data, ...header }) => ({ ...header, data: [...data] }));
    return { packets, heard: backend.heard.splice(0), events: guest.events(), cid: guest.driver.config(0, 4) };
  };
  const doing = (work: () => void) => () => {
    work();
    return seen();
  };
  const steps = [
    doing(() => guest.send({ op: REQUEST, ...back, bufAlloc: 300, fwdCnt: 0 })),
    doing(() => backend.say({ op: 'request', ...called })),
    doing(() => guest.offer(1)),
    doing(() => guest.offer(1)),
    doing(() => backend.say({ op: 'response', ...calling })),
    doing(() => guest.send({ op: RESPONSE, ...from, bufAlloc: 100 })),
    doing(() => guest.send({ op: RW, ...from, bufAlloc: 100, data: bytes(20) })),
    doing(() => backend.say({ op: 'data', ...called, bytes: bytes(150) })),
    doing(() => backend.say({ op: 'data', ...calling, bytes: bytes(600) })),
    doing(() => backend.say({ op: 'taken', ...called, count: 15 })),
    doing(() => guest.offer(3)),
    doing(() => guest.offer(3)),
    doing(() => guest.send({ op: CREDIT_UPDATE, ...from, bufAlloc: 100, fwdCnt: 30 })),
    doing(() => guest.send({ op: CREDIT_REQUEST, ...from, bufAlloc: 100, fwdCnt: 100 })),
    doing(() => guest.send({ op: CREDIT_UPDATE, ...back, bufAlloc: 600, fwdCnt: 299 })),
    doing(() => guest.offer(8)),
    doing(() => guest.send({ op: RW, ...back, bufAlloc: 600, fwdCnt: 600, data: bytes(HALF) })),
    doing(() => guest.send({ op: RW, ...back, bufAlloc: 600, fwdCnt: 600, data: bytes(HALF - 1) })),
    doing(() => backend.say({ op: 'taken', ...calling, count: HALF - 2 })),
    doing(() => backend.say({ op: 'taken', ...calling, count: 2 })),
    doing(() => guest.send({ op: RW, ...back, bufAlloc: 600, fwdCnt: 600, data: bytes(HALF) })),
    doing(() => guest.send({ op: SHUTDOWN, ...from, flags: 2, fwdCnt: 150, bufAlloc: 100 })),
    doing(() => backend.say({ op: 'shutdown', ...called, receive: false, send: true })),
    doing(() => backend.say({ op: 'shutdown', ...called, receive: true, send: false })),
    doing(() => guest.send({ op: SHUTDOWN, ...from, flags: 1 })),
    doing(() => backend.say({ op: 'data', ...called, bytes: bytes(5) })),
    doing(() => backend.say({ op: 'data', ...calling, bytes: bytes(7) })),
    doing(() => guest.send({ op: RST, ...from })),
    doing(() => backend.say({ op: 'reset', ...calling })),
    doing(() => guest.send({ op: RW, src: 3, dst: 4, dstCid: 9n, type: 5 })),
    doing(() => guest.offer(1)),
    doing(() => guest.offer(4)),
    doing(() => guest.rig.device.rejoined()),
    doing(() => guest.offerEvents()),
  ];
  return { device: guest.rig.device, steps };
}

function balloon(): Life {
  const size = 40 * 1024 * 1024;
  const given: number[][] = [];
  const memory = new GuestMemory([{ base: 0, bytes: new Uint8Array(size) }], undefined, (...span) => given.push(span));
  const kind = virtioBalloon({ target: 5, deflateOnOom: false, reporting: true });
  const rig = new VirtioRig<VirtioBalloon>(kind, 'modern', true, new Rig(), memory);
  const features = VERSION_1 | RING_PACKED | (1n << 1n) | (1n << 4n) | (1n << 5n);
  const driver = new VirtioDriver(rig, { features }).start();
  const seen = () => ({
    given: given.splice(0),
    facts: rig.device.model.facts,
    config: [0, 4, 12].map((offset) => driver.config(offset, 4)),
    used: driver.rings.map((ring) => ring.used()),
    messages: rig.messages(),
  });
  const doing = (work: () => void) => () => {
    work();
    return seen();
  };
  const tell = (free: bigint): void => {
    const address = driver.allocate(10);
    memory.writeU16(address, 4);
    memory.writeU64(address + 2, free);
    driver.ring(2).add([{ address, length: 10 }], []);
    driver.kick(2);
  };
  const report = (queue: number, address: number, length: number): void => {
    driver.ring(queue).add([], [{ address, length }]);
    driver.kick(queue);
  };
  const steps = [
    doing(() => rig.device.model.setTarget(9)),
    doing(() => driver.setConfig(4, 4, 3)),
    doing(() => tell(7n)),
    doing(() => rig.rig.clock.advance(50n)),
    doing(() => rig.device.model.refresh()),
    doing(() => tell(8n)),
    doing(() => driver.setConfig(12, 4, 0)),
    doing(() => report(3, 0x100000, 30 * 1024 * 1024)),
    doing(() => rig.rig.clock.advance(10_000n)),
    doing(() => driver.setConfig(12, 4, 0xaa)),
    doing(() => report(3, 0x100000, 4096)),
    doing(() => rig.device.model.refresh()),
  ];
  return { device: rig.device, steps };
}

const MINUTES = 120_000;

test(
  'virtio-vsock',
  () => {
    expect(unnoticed(sockets, { ignored: COMMON, choices: PHASES })).toEqual([]);
  },
  MINUTES,
);

test(
  'virtio-balloon',
  () => {
    // Where there is no buffer, nothing but a whole one could take its place.
    expect(unnoticed(balloon, { ignored: COMMON })).toEqual(['held', 'report']);
  },
  MINUTES,
);
