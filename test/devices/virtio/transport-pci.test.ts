// SPDX-License-Identifier: BSD-2-Clause

import { BarDecoder } from '../../../devices/pci/bars.js';
import type { Interfaces } from '../../../devices/virtio/features.js';
import { VirtioPci } from '../../../devices/virtio/transport-pci.js';
import { nullLogger } from '../../../src/core/log.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { PortBus } from '../../../src/core/port-bus.js';
import { deviceContract } from '../../contract/device.contract.js';
import { echoDriver, exchange } from '../../support/echo-driver.js';
import { echoKind, OWN_FEATURE } from '../../support/echo-kind.js';
import {
  ACKNOWLEDGE,
  DRIVER,
  DRIVER_OK,
  EVENT_IDX,
  FEATURES_OK,
  INDIRECT_DESC,
  LEGACY_BASE,
  MODERN_BASE,
  RING_PACKED,
  RING_RESET,
  VERSION_1,
  VirtioDriver,
} from '../../support/virtio-driver.js';
import { newMemory, VirtioRig } from '../../support/virtio-rig.js';

const ANY_LAYOUT = 1n << 27n;
const NOTIFICATION_DATA = 1n << 38n;
const NO_VECTOR = 0xffff;

test.each([
  ['transitional', 0x1005, 0],
  ['legacy', 0x1005, 0],
  ['modern', 0x1044, 1],
] as const)('%s: ids', (interfaces, deviceId, revision) => {
  const { device } = echoDriver(interfaces);
  expect(device.readConfig(0, 4)).toBe(deviceId * 0x10000 + 0x1af4);
  expect(device.readConfig(8, 1)).toBe(revision);
  expect(device.readConfig(0x2c, 4)).toBe(0x00041af4);
  expect(device.readConfig(0x3d, 1)).toBe(1);
});

test('BARs are there for the interfaces that are', () => {
  const bars = (interfaces: Interfaces) => {
    const { device } = echoDriver(interfaces);
    return [0, 1, 4].map((bar) => {
      device.writeConfig(0x10 + 4 * bar, 4, 0xffffffff);
      return device.readConfig(0x10 + 4 * bar, 4);
    });
  };
  expect(bars('transitional')).toEqual([0xffffffe1, 0xfffff000, 0xffffc00c]);
  expect(bars('legacy')).toEqual([0xffffffe1, 0xfffff000, 0]);
  expect(bars('modern')).toEqual([0, 0xfffff000, 0xffffc00c]);
});

test('capabilities lead to every region', () => {
  const { device } = echoDriver('modern');
  const found: string[] = [];
  for (let at = device.readConfig(0x34, 1); at !== 0; at = device.readConfig(at + 1, 1)) {
    if (device.readConfig(at, 1) !== 9) continue;
    const [length, type, bar] = [2, 3, 4].map((offset) => device.readConfig(at + offset, 1));
    found.push([type, bar, length, device.readConfig(at + 8, 4), device.readConfig(at + 12, 4)].join(' '));
  }
  expect(found).toEqual(['1 4 16 0 60', '2 4 20 12288 8', '3 4 16 4096 1', '4 4 16 8192 8', '5 0 20 0 0']);
});

test('each interface offers what it can carry', () => {
  const legacy = OWN_FEATURE | ANY_LAYOUT | INDIRECT_DESC | EVENT_IDX;
  const modern = OWN_FEATURE | INDIRECT_DESC | EVENT_IDX | VERSION_1 | RING_RESET;
  expect(echoDriver('transitional', { via: 'legacy' }).driver.offered).toBe(legacy);
  expect(echoDriver('transitional').driver.offered).toBe(modern);
  const packed = new VirtioDriver(new VirtioRig(echoKind(), 'modern', true));
  expect(packed.offered).toBe(modern | RING_PACKED);
});

test('features that were not offered, or lack VERSION_1, are refused', () => {
  for (const features of [VERSION_1 | (1n << 20n), OWN_FEATURE, VERSION_1 | RING_PACKED, VERSION_1 | (1n << 33n)]) {
    const { driver } = echoDriver();
    driver.status = ACKNOWLEDGE | DRIVER;
    driver.negotiate(features);
    expect(driver.status).toBe(ACKNOWLEDGE | DRIVER);
  }
});

test('features are settled by FEATURES_OK', () => {
  const { driver, device } = echoDriver();
  driver.status = ACKNOWLEDGE | DRIVER;
  driver.negotiate(VERSION_1 | OWN_FEATURE);
  expect(driver.status).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK);
  driver.common(0x08, 4, 0);
  driver.common(0x0c, 4, 0);
  expect(device.core.features).toBe(VERSION_1 | OWN_FEATURE);
  expect(driver.commonRead(0x0c, 4)).toBe(Number(OWN_FEATURE));
});

test('buffers are left alone before DRIVER_OK, without bus mastering, and on a queue that is not enabled', () => {
  const { driver, device } = echoDriver('transitional', { features: VERSION_1 });
  driver.status = ACKNOWLEDGE | DRIVER;
  driver.negotiate(VERSION_1);
  driver.rings.push(driver.setUp(0));
  exchange(driver);
  expect(device.model.texts).toHaveLength(0);
  driver.status |= DRIVER_OK;
  device.writeConfig(4, 2, 0x0003);
  driver.kick();
  expect(device.model.texts).toHaveLength(0);
  device.writeConfig(4, 2, 0x0007);
  driver.kick(1);
  driver.kick(77);
  expect(device.model.texts).toHaveLength(0);
  driver.kick();
  expect(device.model.texts).toHaveLength(1);
});

test('a driver that was saved when NOTIFICATION_DATA was offered goes on to notify with 32 bits', () => {
  const { rig, driver, device } = echoDriver();
  driver.start();
  device.core.state.driverFeatures |= NOTIFICATION_DATA;
  device.deserialize(device.serialize());
  driver.ring(1).add([{ address: 0x100, length: 4 }], []);
  rig.mmio.write(MODERN_BASE + 0x3004, 4, 0x0001_0001); // the next index, and the queue's number
  expect(driver.ring(1).used()).toHaveLength(1);
});

test('queue registers of a queue that there is not read as 0', () => {
  const { driver } = echoDriver();
  driver.common(0x16, 2, 2);
  driver.common(0x18, 2, 4);
  driver.common(0x1c, 2, 1);
  expect([0x18, 0x1a, 0x1c, 0x1e].map((offset) => driver.commonRead(offset, 2))).toEqual([0, 0, 0, 0]);
});

test('a queue can be made smaller, not larger, and not once it is enabled', () => {
  const { driver } = echoDriver();
  const resize = (size: number): number => {
    driver.common(0x18, 2, size);
    return driver.commonRead(0x18, 2);
  };
  expect([4, 16, 0, 8].map(resize)).toEqual([4, 4, 4, 8]);
  driver.status = ACKNOWLEDGE | DRIVER;
  driver.negotiate(VERSION_1);
  driver.setUp(0);
  expect(resize(4)).toBe(8);
  driver.common(0x20, 4, 0x1234);
  expect(driver.commonRead(0x20, 4)).not.toBe(0x1234);
});

test('a vector that there is not reads as no vector', () => {
  const { driver, device } = echoDriver();
  expect(device.vectors).toBe(3);
  driver.common(0x10, 2, 3);
  expect(driver.commonRead(0x10, 2)).toBe(NO_VECTOR);
  driver.common(0x1a, 2, 2);
  expect(driver.commonRead(0x1a, 2)).toBe(2);
});

test('writing 0 to the status forgets everything', () => {
  const { driver, device } = echoDriver();
  driver.start();
  exchange(driver);
  driver.status = 0;
  expect(driver.status).toBe(0);
  expect(driver.commonRead(0x1c, 2)).toBe(0);
  expect(device.core.features).toBe(0n);
  driver.kick();
  expect(device.model.texts).toHaveLength(1);
});

test('a reset queue can be set up again', () => {
  const { driver, device } = echoDriver('transitional', { features: VERSION_1 | RING_RESET });
  driver.start();
  exchange(driver);
  driver.common(0x16, 2, 0);
  driver.common(0x3a, 2, 1);
  expect(driver.commonRead(0x3a, 2)).toBe(0);
  expect(driver.commonRead(0x1c, 2)).toBe(0);
  exchange(driver);
  expect(device.model.texts).toHaveLength(1);
  driver.rings[0] = driver.setUp(0);
  exchange(driver);
  expect(device.model.texts).toHaveLength(2);
});

test('without RING_RESET a queue cannot be reset', () => {
  const { driver } = echoDriver();
  driver.start();
  driver.common(0x16, 2, 0);
  driver.common(0x3a, 2, 1);
  expect(driver.commonRead(0x1c, 2)).toBe(1);
});

describe.each(['modern', 'legacy'] as const)('%s interrupts without MSI-X', (via) => {
  test('raise INTA#, which reading the status lowers', () => {
    const { rig, driver, device } = echoDriver('transitional', { via, msix: false });
    driver.start();
    exchange(driver);
    expect(rig.intx).toBe(true);
    expect(device.readConfig(6, 2) & 8).toBe(8);
    expect(driver.isr()).toBe(1);
    expect(rig.intx).toBe(false);
    expect(driver.isr()).toBe(0);
    expect(rig.messages()).toEqual([]);
  });

  test('are not seen on the pin while MSI-X is on', () => {
    const { rig, driver, device } = echoDriver('transitional', { via, msix: false });
    driver.start();
    exchange(driver);
    device.writeConfig(0x42, 2, 0x8000);
    expect(rig.intx).toBe(false);
    device.writeConfig(0x42, 2, 0x0000);
    expect(rig.intx).toBe(true);
  });
});

test('with MSI-X the status does not tell of queues', () => {
  const { rig, driver } = echoDriver();
  driver.start();
  exchange(driver);
  expect(rig.messages()).toEqual([1]);
  expect(driver.isr()).toBe(0);
});

test('messages wait for the mask of the whole function', () => {
  const { rig, driver } = echoDriver();
  driver.start();
  driver.mask('all', true);
  exchange(driver);
  expect(rig.messages()).toEqual([]);
  driver.mask('all', false);
  expect(rig.messages()).toEqual([1]);
});

test('without MSI-X there is one message for everything, and the status tells what it is about', () => {
  const rig = new VirtioRig(echoKind([8]), 'transitional', false, undefined, undefined, false);
  const driver = new VirtioDriver(rig, { msix: false }).start();
  const { device } = rig;
  const at = device.readConfig(0x34, 1);
  expect([device.readConfig(at, 1), device.readConfig(0x14, 4)]).toEqual([5, 0]);
  device.writeConfig(at + 4, 4, 0xfee00000);
  device.writeConfig(at + 12, 2, 0x41);
  device.writeConfig(at + 16, 4, 1);
  device.writeConfig(at + 2, 2, 1);
  exchange(driver);
  expect([rig.messages(), rig.intx, device.readConfig(at + 20, 4)]).toEqual([[], false, 1]);
  device.writeConfig(at + 16, 4, 0);
  expect(rig.messages()).toEqual([0x41]);
  expect(driver.isr()).toBe(1);
});

test('the legacy configuration moves when MSI-X is switched on', () => {
  const { rig, device } = echoDriver('legacy', { via: 'legacy', msix: false });
  expect(rig.ports.read(LEGACY_BASE + 20, 4)).toBe(0x04030201);
  device.writeConfig(0x42, 2, 0x8000);
  expect(rig.ports.read(LEGACY_BASE + 20, 2)).toBe(NO_VECTOR);
  expect(rig.ports.read(LEGACY_BASE + 24, 4)).toBe(0x04030201);
});

test('a legacy queue is placed by its page, and taken away by page 0', () => {
  const { rig, driver, device } = echoDriver('legacy', { via: 'legacy' });
  driver.start();
  rig.ports.write(LEGACY_BASE + 14, 2, 0);
  expect(rig.ports.read(LEGACY_BASE + 8, 4)).toBe(driver.ring().descriptors / 4096);
  rig.ports.write(LEGACY_BASE + 8, 4, 0);
  expect(rig.ports.read(LEGACY_BASE + 8, 4)).toBe(0);
  exchange(driver);
  expect(device.model.texts).toHaveLength(0);
});

test('registers can be reached through configuration space', () => {
  const { device, driver } = echoDriver();
  let at = device.readConfig(0x34, 1);
  while (device.readConfig(at + 3, 1) !== 5 || device.readConfig(at, 1) !== 9) at = device.readConfig(at + 1, 1);
  const aim = (bar: number, offset: number, length: number): void => {
    device.writeConfig(at + 4, 1, bar);
    device.writeConfig(at + 8, 4, offset);
    device.writeConfig(at + 12, 4, length);
  };
  aim(4, 0x12, 2);
  expect(device.readConfig(at + 16, 4)).toBe(2);
  aim(4, 0x14, 1);
  device.writeConfig(at + 16, 4, ACKNOWLEDGE);
  expect(driver.status).toBe(ACKNOWLEDGE);
  for (const [bar, offset, length] of [
    [4, 0x4000, 4],
    [4, 0x12, 4],
    [3, 0, 4],
    [4, 0, 3],
  ] as const) {
    aim(bar, offset, length);
    expect(device.readConfig(at + 16, 4)).toBe(0);
  }
});

describe.each([
  ['transitional', 'modern', true],
  ['transitional', 'legacy', false],
  ['modern', 'modern', true],
] as const)('%s, driven through the %s interface, MSI-X %s', (interfaces, via, msix) => {
  deviceContract(
    'virtio on PCI',
    (rig) => {
      const decoder = new BarDecoder(new PortBus(), new MemoryBus(), nullLogger);
      const place = { address: 8, decoder, intx: rig.line() };
      const parts = { memory: newMemory(), clock: rig.clock, msi: rig.msi, log: nullLogger };
      return new VirtioPci('virtio', place, echoKind(), parts, { interfaces, packed: true, msix: true });
    },
    {
      operate: (device) => {
        const written = via === 'modern' ? 0x20 : 0x10;
        device.writeConfig(written, 4, via === 'modern' ? MODERN_BASE % 2 ** 32 : LEGACY_BASE);
        device.writeConfig(0x04, 2, 0x0007);
        device.writeConfig(0x42, 2, msix ? 0xc000 : 0);
        device.core.writeStatus(ACKNOWLEDGE | DRIVER, via);
        device.core.writeFeatures(1, 1);
        device.core.writeStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK, via);
        device.core.state.queueSelect = 0;
        device.core.enableSelected();
        device.core.deferQueues();
      },
    },
  );
});
