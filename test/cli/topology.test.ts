// SPDX-License-Identifier: BSD-2-Clause
import { ConfigTree } from '../../src/cli/config-tree.js';
import { processorsOf, setTopology } from '../../src/cli/topology.js';

const processors = (text: string) => {
  const tree = new ConfigTree();
  setTopology(tree, text);
  return processorsOf(tree);
};

test('a number alone means sockets, as on bhyve', () => {
  expect(processorsOf(new ConfigTree())).toEqual({ cpus: 1, topology: null });
  expect(processors('4')).toEqual({ cpus: 4, topology: null });
  expect(processors('cpus=4')).toEqual({ cpus: 4, topology: null });
});

test('what is not given is one, and the product must match', () => {
  expect(processors('8,sockets=2,cores=2,threads=2')).toEqual({
    cpus: 8,
    topology: { sockets: 2, cores: 2, threads: 2 },
  });
  expect(processors('sockets=2,cores=2')).toEqual({ cpus: 4, topology: { sockets: 2, cores: 2, threads: 1 } });
  expect(processors('4,sockets=4')).toEqual({ cpus: 4, topology: null });
  expect(() => processors('4,cores=2')).toThrow('cpus: 1 sockets x 2 cores x 1 threads make 2, not 4');
});

test('nonsense is refused by name', () => {
  expect(() => processors('17')).toThrow("cpus: '17' is not a whole number from 1 to 16");
  expect(() => processors('4,dies=2')).toThrow("'dies=2' is not accepted");
});
