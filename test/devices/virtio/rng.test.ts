// SPDX-License-Identifier: BSD-2-Clause
import { virtioRng } from '../../../devices/virtio/rng.js';
import { deviceContract } from '../../contract/device.contract.js';
import { RING_PACKED, VERSION_1, VirtioDriver } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
const seeded = () => virtioRng({ source: null, seed });

function start(kind = seeded(), packed = false) {
  const rig = new VirtioRig(kind, 'transitional', packed);
  return new VirtioDriver(rig, { features: VERSION_1 | (packed ? RING_PACKED : 0n) }).start();
}

function ask(driver: ReturnType<typeof start>, length: number): string {
  const address = driver.allocate(length);
  driver.ring().add([], [{ address, length }]);
  driver.kick();
  const [used] = driver.ring().used();
  return Buffer.from(driver.rig.memory.read(address, used?.length ?? 0)).toString('hex');
}

test.each([false, true])('fills what it is given (packed %s)', (packed) => {
  const driver = start(seeded(), packed);
  const first = ask(driver, 40);
  expect(first).toHaveLength(80);
  expect(ask(driver, 40)).not.toBe(first);
  expect(driver.rig.messages()).toEqual([1, 1]);
});

test('the same seed gives the same bytes, another one others', () => {
  expect(ask(start(), 16)).toBe(ask(start(), 16));
  expect(ask(start(virtioRng({ source: null, seed: new Uint8Array(32) })), 16)).not.toBe(ask(start(), 16));
});

test('a restored generator goes on where it was, a renewed one does not', () => {
  const driver = start();
  ask(driver, 100);
  const saved = driver.rig.device.serialize();
  const [copy, clone] = [start(), start()];
  copy.rig.device.deserialize(saved);
  clone.rig.device.deserialize(saved);
  clone.rig.device.renew(Uint8Array.from([1, 2, 3]));
  const next = (from: typeof driver): string => {
    from.rig.memory.write(0x10000, driver.rig.memory.read(0x10000, 0x8000));
    from.ring().add([], [{ address: 0x30000, length: 16 }]);
    from.kick();
    return Buffer.from(from.rig.memory.read(0x30000, 16)).toString('hex');
  };
  const expected = ask(driver, 16);
  copy.ring().add([], [{ address: 0x30000, length: 1 }]);
  clone.ring().add([], [{ address: 0x30000, length: 1 }]);
  expect(next(copy)).toBe(expected);
  expect(next(clone)).not.toBe(expected);
});

test('a reset does not repeat bytes', () => {
  const driver = start();
  const first = ask(driver, 16);
  driver.rig.device.reset();
  const again = new VirtioDriver(driver.rig).start();
  expect(ask(again, 16)).not.toBe(first);
});

test('the host’s bytes are taken when there is a source', () => {
  const kind = virtioRng({ source: { fill: (bytes) => void bytes.fill(0xab) }, seed });
  expect(ask(start(kind), 4)).toBe('abababab');
});

test('a huge request is answered in part', () => {
  const driver = start();
  expect(ask(driver, 0x8000)).toHaveLength(2 * 4096);
});

test('a seed of another length is refused', () => {
  expect(() => virtioRng({ source: null, seed: new Uint8Array(5) })).toThrow('seed: expected 32 bytes, got 5');
});

deviceContract('virtio-rnd', (rig) => new VirtioRig(seeded(), 'transitional', false, rig).device, {
  operate: (device) => {
    device.writeConfig(4, 2, 7);
    device.renew(Uint8Array.from([1]));
  },
});
