// SPDX-License-Identifier: BSD-2-Clause
/** What all virtio devices have in their state is needed by a guest that goes on after a restore. */
import type { Interfaces } from '../../devices/virtio/features.js';
import { type Echo, echoKind } from '../support/echo-kind.js';
import { type Life, unnoticed } from '../support/field-mutants.js';
import { Rig } from '../support/rig.js';
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  type DriverOptions,
  EVENT_IDX,
  FEATURES_OK,
  INDIRECT_DESC,
  LEGACY_BASE,
  MSIX_BASE,
  RING_PACKED,
  RING_RESET,
  VERSION_1,
  VirtioDriver,
} from '../support/virtio-driver.js';
import { newMemory, VirtioRig } from '../support/virtio-rig.js';

const LENGTH = 16;
const COMMON_LENGTH = 0x3c;
const [COMMAND, CAPABILITIES] = [0x04, 0x34];
const MSI = 0x05;
/** Of a shape within a shape; others are refused. */
const NAMES = ['kind', 'version'];
/** What only the modern interface and MSI-X make use of. */
const MODERN = [
  ...['msix', 'vector', 'configVector'],
  ...['deviceFeatureSelect', 'driverFeatureSelect', 'configGeneration'],
];
const MINUTES = 600_000;

/** An echo device, its driver, and what that can see. */
class Session {
  readonly rig: VirtioRig<Echo>;
  readonly driver: VirtioDriver<Echo>;
  private readonly answers: number[] = [];

  constructor(interfaces: Interfaces, options: DriverOptions) {
    const packed = interfaces === 'modern';
    this.rig = new VirtioRig(echoKind([32, 32]), interfaces, packed, new Rig(), newMemory(), options.msix !== false);
    this.driver = new VirtioDriver(this.rig, options);
  }

  say(queue: number, text: string): void {
    const { driver, rig } = this;
    const [out, address] = [driver.allocate(LENGTH), driver.allocate(LENGTH)];
    rig.memory.write(out, Buffer.from(text));
    this.answers.push(address);
    driver.ring(queue).add([{ address: out, length: text.length }], [{ address, length: LENGTH }]);
  }

  ask(queue: number, ...texts: readonly string[]): void {
    for (const text of texts) this.say(queue, text);
    this.driver.kick(queue);
  }

  doing(work: () => unknown): () => unknown {
    return () => ({ answer: work(), ...this.seen() });
  }

  private seen() {
    const { driver, rig } = this;
    const common = driver.isLegacy
      ? [driver.status, driver.isr(), rig.ports.read(LEGACY_BASE + 14, 2)]
      : Array.from({ length: COMMON_LENGTH / 2 }, (_, index) => driver.commonRead(2 * index, 2));
    return {
      common,
      used: driver.rings.map((ring) => [ring.needsKick(), ...ring.used()]),
      texts: this.answers.map((address) => Buffer.from(rig.memory.read(address, LENGTH)).toString('latin1')),
      messages: rig.rig.effects.splice(0),
      intx: rig.intx,
      config: Array.from({ length: 64 }, (_, index) => rig.device.readConfig(4 * index, 4)),
    };
  }
}

function modern(): Life {
  const features = VERSION_1 | RING_PACKED | EVENT_IDX | INDIRECT_DESC | RING_RESET;
  const session = new Session('modern', { features });
  const { driver, rig } = session;
  const doing = (work: () => unknown) => session.doing(work);
  const status = (value: number) => {
    driver.status = value;
  };
  const setUp = (queue: number) => {
    driver.rings[queue] = driver.setUp(queue);
  };
  const table = () => [0, 1, 2].map((vector) => rig.mmio.read(MSIX_BASE + 16 * vector + 12, 4));
  const pending = () => rig.mmio.read(MSIX_BASE + 0x800, 4);
  const command = (value: number) => rig.device.writeConfig(COMMAND, 2, value);
  const steps = [
    doing(() => status(ACKNOWLEDGE)),
    doing(() => status(ACKNOWLEDGE | DRIVER)),
    doing(() => driver.common(0x00, 4, 1)),
    doing(() => driver.common(0x08, 4, 1)),
    doing(() => driver.common(0x0c, 4, Number(features >> 32n))),
    doing(() => driver.common(0x08, 4, 0)),
    doing(() => driver.common(0x0c, 4, Number(features & 0xffff_ffffn))),
    doing(() => status(ACKNOWLEDGE | DRIVER | FEATURES_OK)),
    doing(() => setUp(0)),
    doing(() => setUp(1)),
    doing(() => status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)),
    doing(() => driver.ring(0).interruptAfter(1)),
    doing(() => session.ask(0, 'one')),
    doing(() => session.ask(1, 'two', 'three')),
    // Four at once, and the rest a moment later.
    doing(() => session.ask(0, 'a', 'b', 'c', 'd', 'e')),
    doing(() => rig.rig.clock.advance(500n)),
    doing(() => session.ask(1, 'f', 'g', 'h', 'i', 'j', 'k')),
    doing(() => rig.rig.clock.advance(600n)),
    doing(() => rig.rig.clock.advance(600n)),
    doing(() => driver.mask(1, true)),
    doing(() => session.ask(0, 'masked')),
    doing(pending),
    doing(() => driver.mask(1, false)),
    doing(() => driver.mask('all', true)),
    doing(() => session.ask(1, 'all masked')),
    doing(() => driver.mask('all', false)),
    doing(table),
    doing(() => driver.ring(0).interruptAfter(3)),
    doing(() => session.ask(0, 'first')),
    doing(() => session.ask(0, 'second')),
    doing(() => session.ask(0, 'third')),
    doing(() => rig.device.core.configChanged()),
    doing(() => command(0x0002)),
    doing(() => session.ask(0, 'no bus master')),
    doing(() => command(0x0006)),
    doing(() => session.ask(0, 'a bus master')),
    doing(() => driver.common(0x16, 2, 1)),
    doing(() => driver.common(0x3a, 2, 1)),
    doing(() => session.ask(1, 'nobody is there')),
    doing(() => setUp(1)),
    doing(() => session.ask(1, 'again')),
    doing(() => driver.common(0x10, 2, 2)),
    doing(() => rig.device.core.configChanged()),
  ];
  return { device: rig.device, steps };
}

/** Where a capability of the device lies. */
function capability({ device }: VirtioRig<Echo>, wanted: number): number {
  for (let at = device.readConfig(CAPABILITIES, 1); at !== 0; at = device.readConfig(at + 1, 1)) {
    if (device.readConfig(at, 1) === wanted) return at;
  }
  throw new Error(`no capability ${wanted}`);
}

function legacy(): Life {
  const session = new Session('transitional', { via: 'legacy', msix: false, features: EVENT_IDX });
  const { driver, rig } = session;
  const doing = (work: () => unknown) => session.doing(work);
  const at = capability(rig, MSI);
  driver.start(); // before the first save: it counts queues until there is none, and a device that is not there has no end
  const enable = (on: number) => rig.device.writeConfig(at + 2, 2, on);
  const steps = [
    doing(() => session.ask(0, 'one', 'two')),
    () => session.ask(1, 'unseen'),
    doing(() => rig.device.core.configChanged()),
    () => rig.device.core.configChanged(),
    doing(() => driver.isr()),
    doing(() => rig.device.writeConfig(at + 4, 4, 0xfee00000)),
    doing(() => rig.device.writeConfig(at + 12, 2, 7)),
    doing(() => enable(1)),
    doing(() => session.ask(0, 'three')),
    doing(() => session.ask(1, 'a', 'b', 'c', 'd', 'e')),
    doing(() => rig.rig.clock.advance(600n)),
    doing(() => rig.rig.clock.advance(600n)),
    doing(() => rig.device.writeConfig(at + 16, 4, 1)),
    doing(() => session.ask(1, 'masked')),
    doing(() => rig.device.writeConfig(at + 16, 4, 0)),
    doing(() => enable(0)),
    doing(() => session.ask(1, 'four')),
    doing(() => driver.ring(0).interruptAfter(3)),
    doing(() => session.ask(0, 'five')),
    doing(() => session.ask(0, 'six')),
    doing(() => session.ask(0, 'seven')),
  ];
  return { device: rig.device, steps };
}

test(
  'modern interface, packed rings, MSI-X',
  () => {
    // Neither INTx nor MSI is used there.
    expect(unnoticed(modern, { ignored: NAMES })).toEqual(['msi.fields.pending', 'virtio.fields.isr']);
  },
  MINUTES,
);

test(
  'legacy interface, split rings, INTx and MSI',
  () => {
    expect(unnoticed(legacy, { ignored: [...NAMES, ...MODERN] })).toEqual([]);
  },
  MINUTES,
);
