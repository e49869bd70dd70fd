// SPDX-License-Identifier: BSD-2-Clause
import { BarDecoder } from '../../../devices/pci/bars.js';
import type { Identity } from '../../../devices/pci/config-layout.js';
import { AMD_HOST_BRIDGE, HostBridge } from '../../../devices/pci/host-bridge.js';
import { nullLine } from '../../../src/core/irq-line.js';
import { nullLogger } from '../../../src/core/log.js';
import { MemoryBus } from '../../../src/core/memory-bus.js';
import { PortBus } from '../../../src/core/port-bus.js';
import { StateError } from '../../../src/core/state-error.js';
import { deviceContract } from '../../contract/device.contract.js';

function make(identity?: Identity): HostBridge {
  const decoder = new BarDecoder(new PortBus(), new MemoryBus(), nullLogger);
  return new HostBridge('hostbridge', { address: 0, decoder, intx: nullLine }, identity);
}

test.each([
  [undefined, 0x12751275],
  [AMD_HOST_BRIDGE, 0x74321022],
])('identity %p', (identity, id) => {
  const bridge = make(identity);
  expect(bridge.readConfig(0x00, 4)).toBe(id);
  expect(bridge.readConfig(0x08, 4) >>> 8).toBe(0x060000);
  expect(bridge.readConfig(0x0e, 1)).toBe(0x00);
});

test('has one capability: PCI Express version 2, root port, one lane at 2.5 GT/s', () => {
  const bridge = make();
  const at = bridge.readConfig(0x34, 1);
  expect(bridge.readConfig(at, 2)).toBe(0x0010);
  expect(bridge.readConfig(at + 2, 2)).toBe(0x0042);
  expect(bridge.readConfig(at + 0x0c, 4)).toBe(0x411);
  expect(bridge.readConfig(at + 0x12, 2)).toBe(0x11);
});

test('a state saved with the other identity is refused', () => {
  expect(() => make(AMD_HOST_BRIDGE).deserialize(make().serialize())).toThrow(StateError);
});

deviceContract('pci-host-bridge', () => make(), { operate: (bridge) => bridge.writeConfig(0x04, 2, 0x0007) });
