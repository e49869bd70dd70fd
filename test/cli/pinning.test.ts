// SPDX-License-Identifier: BSD-2-Clause
import { ConfigTree } from '../../src/cli/config-tree.js';
import { pinsOf, setPin } from '../../src/cli/pinning.js';
import { DEFAULT_CONFIG, type MachineConfig } from '../../src/machine/config.js';

const treeOf = (...pins: string[]): ConfigTree => {
  const tree = new ConfigTree();
  for (const pin of pins) setPin(tree, pin);
  return tree;
};
const four: MachineConfig = { ...DEFAULT_CONFIG, cpus: 4 };

test('vCPUs are pinned one by one', () => {
  expect(pinsOf(treeOf(), four)).toBeNull();
  expect(pinsOf(treeOf('1:0', '3:7'), four)).toEqual([-1, 0, -1, 7]);
});

test.each(['1', '1:', ':1', 'a:1', '1:2:3', '-1:0'])('-p %s is refused', (text) => {
  expect(() => treeOf(text)).toThrow(`-p ${text}: expected vcpu:hostcpu, two numbers such as 0:2`);
});

test('each is pinned once, and must be there', () => {
  expect(() => treeOf('1:0', '1:2')).toThrow('-p 1:2: vCPU 1 has host CPU 0; one is accepted');
  expect(() => pinsOf(treeOf('4:0'), four)).toThrow('vcpu.4.cpuset: expected a vCPU from 0 to 3');
  expect(() => pinsOf(treeOf('0:1024'), four)).toThrow("vcpu.0.cpuset: '1024' is not a whole number from 0 to 1023");
});

test('only threads can be pinned', () => {
  const clock = { kind: 'virtual', numerator: 1, denominator: 1 } as const;
  expect(() => pinsOf(treeOf('2:0'), { ...four, clock })).toThrow('vcpu.2.cpuset: under the virtual clock');
  for (const engine of ['soft', 'kvm', 'vmm'] as const) {
    expect(() => pinsOf(treeOf('0:0'), { ...four, cpus: 1, engine })).toThrow(
      'vcpu.0.cpuset: a single vCPU has no thread of its own',
    );
  }
});
