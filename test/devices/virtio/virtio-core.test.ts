// SPDX-License-Identifier: BSD-2-Clause
/** When a device may touch what a driver has made available, and that nothing is forgotten while it may not. */
import { type EchoDriver, echoDriver, offerOne } from '../../support/echo-driver.js';
import { ACKNOWLEDGE, DRIVER, FEATURES_OK, LEGACY_BASE, VERSION_1 } from '../../support/virtio-driver.js';

const COMMAND = 4;
const WITHOUT_MASTER = 0x0003;
const MASTER = 0x0007;
const QUEUE_ENABLE = 0x1c;

describe.each(['modern', 'transitional'] as const)('before DRIVER_OK, %s', (interfaces) => {
  const enabled = (driver: EchoDriver): number => driver.commonRead(QUEUE_ENABLE, 2);

  test('a queue that is enabled before features are agreed on stays disabled', () => {
    const { driver, device, texts } = echoDriver(interfaces);
    device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    driver.rings.push(driver.setUp(0));
    offerOne(driver);
    driver.kick();
    expect([enabled(driver), texts]).toEqual([0, []]);
  });

  test('nor does it help to promise VERSION_1 for a moment', () => {
    const { driver, texts } = echoDriver(interfaces);
    driver.common(0x08, 4, 1);
    driver.common(0x0c, 4, 1);
    driver.rings.push(driver.setUp(0));
    driver.common(0x0c, 4, 0);
    offerOne(driver);
    driver.kick();
    expect([enabled(driver), texts]).toEqual([0, []]);
  });

  test('a queue that is enabled after that waits for DRIVER_OK', () => {
    const { driver, texts } = echoDriver(interfaces);
    driver.status = ACKNOWLEDGE | DRIVER;
    driver.negotiate(VERSION_1);
    driver.rings.push(driver.setUp(0));
    offerOne(driver);
    driver.kick();
    expect([driver.status & FEATURES_OK, enabled(driver), texts]).toEqual([FEATURES_OK, 1, []]);
  });
});

describe('while the device is no bus master', () => {
  function startedWithoutMaster() {
    const made = echoDriver('modern');
    made.driver.start();
    made.device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    return made;
  }

  test('a notification is kept until it is, and then nobody has to tell again', () => {
    const { rig, driver, device, texts } = startedWithoutMaster();
    offerOne(driver);
    driver.kick();
    rig.rig.clock.advance(10_000n);
    expect(texts).toEqual([]);
    device.deserialize(device.serialize());
    device.writeConfig(COMMAND, 2, MASTER);
    rig.rig.clock.advance(1000n);
    expect([texts.length, driver.ring().used().length, rig.messages()]).toEqual([1, 1, [1]]);
    expect(rig.rig.clock.nextDeadline()).toBeNull();
  });

  test('what was left for later is too', () => {
    const { rig, driver, device, texts } = echoDriver('modern');
    driver.start();
    for (let count = 0; count < 6; count += 1) driver.ring().add([{ address: 0x100, length: 4 }], []);
    driver.kick();
    device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
    rig.rig.clock.advance(10_000n);
    expect(texts).toHaveLength(4);
    device.writeConfig(COMMAND, 2, MASTER);
    rig.rig.clock.advance(1000n);
    expect(texts).toHaveLength(6);
  });

  test('a queue that nobody has told of stays as it is', () => {
    const { rig, driver, device, texts } = startedWithoutMaster();
    offerOne(driver);
    device.writeConfig(COMMAND, 2, MASTER);
    expect([rig.rig.clock.nextDeadline(), texts]).toEqual([null, []]);
  });
});

test('a legacy driver may use its queues before DRIVER_OK, and without being bus master', () => {
  const { rig, driver, device, texts } = echoDriver('transitional', { via: 'legacy' });
  device.writeConfig(COMMAND, 2, WITHOUT_MASTER);
  driver.rings.push(driver.setUp(0));
  offerOne(driver);
  driver.kick();
  expect(rig.ports.read(LEGACY_BASE + 18, 1)).toBe(0);
  expect(texts).toHaveLength(1);
});
