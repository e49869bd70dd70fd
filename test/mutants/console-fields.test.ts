// SPDX-License-Identifier: BSD-2-Clause
/** Every field of a console's own is needed by its guest or its host after a restore. */
import {
  bytes,
  ConsoleSession,
  DEVICE_READY,
  MULTIPORT,
  PORT_OPEN,
  PORT_READY,
  SIZE,
} from '../support/console-session.js';
import { type Life, unnoticed } from '../support/field-mutants.js';
import { RING_PACKED, VERSION_1 } from '../support/virtio-driver.js';

/** These have proofs of their own. */
const COMMON = ['config', 'msi', 'msix', 'virtio'];
/** What a console can write at once, and more: the rest stays in the buffer for a moment. */
const LONG = 100_000;
const MINUTES = 600_000;

function ports(): Life {
  const session = new ConsoleSession(['agent'], VERSION_1 | RING_PACKED | SIZE | MULTIPORT).start();
  const { driver, model, outputs } = session;
  const { rig } = driver;
  const out = driver.allocate(LONG);
  const seen = () => ({
    heard: session.heard(),
    received: [session.text(0), session.text(4)],
    used: [1, 3, 5].map((queue) => driver.ring(queue).used()),
    written: outputs.map((port) => Buffer.from(port.splice(0)).toString('latin1')),
    size: driver.config(0, 4),
    messages: rig.messages(),
  });
  const doing = (work: () => unknown) => () => ({ answer: work(), ...seen() });
  const write = (queue: number, first: number): void => {
    for (let at = 0; at < LONG; at += 4) rig.memory.writeU32(out + at, first + at);
    const half = LONG / 2;
    const parts = [out, out + half].map((address) => ({ address, length: half }));
    driver.ring(queue).add(parts, []);
    driver.kick(queue);
  };
  const later = doing(() => rig.rig.clock.advance(2_000n));
  const steps = [
    doing(() => model.type(0, bytes('early'))),
    doing(() => model.setOpen(1, true)),
    doing(() => session.offer(0, 4, 16)),
    doing(() => session.offer(4, 4, 16)),
    doing(() => session.control(0, DEVICE_READY, 1)),
    doing(() => session.offer(2, 1, 64)),
    doing(() => session.offer(2, 1, 64)),
    doing(() => session.control(0, PORT_READY, 1)),
    doing(() => session.control(1, PORT_READY, 1)),
    doing(() => session.offer(2, 1, 64)),
    doing(() => session.offer(2, 2, 64)),
    doing(() => session.offer(2, 8, 64)),
    doing(() => model.type(1, bytes('question'))),
    doing(() => session.control(1, PORT_OPEN, 1)),
    doing(() => model.type(1, new Uint8Array(70).fill(0x61))),
    doing(() => session.offer(4, 8, 16)),
    doing(() => model.resize(100, 30)),
    doing(() => model.resize(100, 31)),
    doing(() => write(1, 0)),
    later,
    later,
    doing(() => write(5, 7)),
    later,
    later,
    doing(() => session.control(1, PORT_OPEN, 0)),
    doing(() => model.type(1, bytes('late'))),
    doing(() => model.setOpen(1, false)),
    doing(() => session.control(1, PORT_READY, 0)),
    doing(() => model.setOpen(1, true)),
    doing(() => session.control(0, PORT_READY, 0)),
    doing(() => model.resize(90, 20)),
    doing(() => model.setOpen(1, false)),
  ];
  return { device: rig.device, steps };
}

test(
  'virtio-console',
  () => {
    // Port 0 has nobody who comes and goes. Where there is no buffer, nothing but a whole one could take its place.
    expect(unnoticed(ports, { ignored: COMMON })).toEqual(['ports.[].sending']);
  },
  MINUTES,
);
