// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/cli/args.js';
import type { ConfigTree } from '../../src/cli/config-tree.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-args-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function treeOf(...words: string[]): ConfigTree {
  const parsed = parseArguments(words);
  if (parsed.kind !== 'run') throw new Error('printed instead');
  return parsed.tree;
}

function printed(...words: string[]): string {
  const parsed = parseArguments(words);
  if (parsed.kind !== 'print') throw new Error('ran instead');
  return parsed.text;
}

function configFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('letters may be bundled, and the last of them may take its value with or without a space', () => {
  for (const words of [['-AHPwc', '2'], ['-AHPwc2'], ['-A', '-H', '-P', '-w', '-c', '2']]) {
    const tree = treeOf(...words, 'web');
    expect(tree.get('cpus')).toBe('2');
    expect(tree.get('x86.vmexit_on_hlt')).toBe('true');
    expect(tree.get('x86.strictmsr')).toBe('false');
    expect(tree.get('name')).toBe('web');
  }
});

test('every letter of bhyve stands for its variable', () => {
  const tree = treeOf('-DeuxY', '-m', '1G', '-U', 'e1f2a3b4-0000-4000-8000-000000000001');
  expect(tree.get('destroy_on_poweroff')).toBe('true');
  expect(tree.get('x86.strictio')).toBe('true');
  expect(tree.get('rtc.use_localtime')).toBe('false');
  expect(tree.get('x86.x2apic')).toBe('true');
  expect(tree.get('x86.mptable')).toBe('false');
  expect(tree.get('memory.size')).toBe('1G');
  expect(tree.get('uuid')).toBe('e1f2a3b4-0000-4000-8000-000000000001');
});

test('the CPU topology is spelled out or short', () => {
  expect(treeOf('-c', '4').get('cpus')).toBe('4');
  const tree = treeOf('-c', 'cpus=8,sockets=2,cores=2,threads=2');
  expect([tree.get('cpus'), tree.get('sockets'), tree.get('cores'), tree.get('threads')]).toEqual(['8', '2', '2', '2']);
  expect(() => treeOf('-c', '4,legs=2')).toThrow("-c 4,legs=2: 'legs=2' is not accepted");
});

test('devices get their place in the tree', () => {
  const tree = treeOf(
    '-s',
    '0,hostbridge',
    '-s',
    '0:31:0,lpc',
    '-s',
    '5:1,hostbridge',
    '-l',
    'com1,stdio',
    '-l',
    'pc-testdev',
  );
  expect(tree.get('pci.0.0.0.device')).toBe('hostbridge');
  expect(tree.get('pci.0.31.0.device')).toBe('lpc');
  expect(tree.get('pci.0.5.1.device')).toBe('hostbridge');
  expect(tree.get('lpc.com1.path')).toBe('stdio');
  expect(tree.get('lpc.pc-testdev')).toBe('true');
  expect(() => treeOf('-s', '0,hostbridge', '-s', '0,lpc')).toThrow("there is already a device 'hostbridge' at 0");
});

test('settings and files count in the order they stand in', () => {
  const path = configFile('order.conf', '# a comment\n\n  memory.size=1G\ncpus=2\n');
  expect(treeOf('-m', '512', '-k', path).get('memory.size')).toBe('1G');
  expect(treeOf('-k', path, '-m', '512').get('memory.size')).toBe('512');
  expect(treeOf('-k', path, '-o', 'cpus=3').get('cpus')).toBe('3');
});

test('a value may refer to other variables, whenever they are set', () => {
  const path = configFile('expand.conf', 'boot.append=console=%(tty) host=%(name)\ntty=ttyS%(port)\nport=0\n');
  expect(treeOf('-k', path, 'web').get('boot.append')).toBe('console=ttyS0 host=web');
  expect(() => treeOf('-o', 'a=%(b)').get('a')).toThrow("a: '%(b)' names a variable that is not set");
  expect(() => treeOf('-o', 'a=%(b)', '-o', 'b=%(a)').get('a')).toThrow('refers to itself');
});

test('config.dump prints what a configuration file would say', () => {
  const text = printed('-m', '1G', '-l', 'com1,stdio', '-o', 'config.dump=1', 'web');
  expect(text).toBe('config.dump=1\nlpc.com1.path=stdio\nmemory.size=1G\nname=web\n');
  expect(treeOf('-k', configFile('dump.conf', text.replace('config.dump=1\n', ''))).get('name')).toBe('web');
});

test('help is printed, for the command and for the two kinds of devices', () => {
  expect(printed('-h')).toMatch(/^Usage: tsbhyve[\s\S]*-c <cpus>[\s\S]*--kernel <file>/);
  expect(printed('--help')).toBe(printed('-h'));
  expect(printed('-s', 'help')).toMatch(/hostbridge[\s\S]*lpc/);
  expect(printed('-l', 'help')).toMatch(/com1[\s\S]*pty[\s\S]*tcp=ADDR:PORT[\s\S]*pc-testdev/);
});

test.each([
  [['-r'], "option '-r <snapshot>' argument missing"],
  [['-p', '0:1'], '-p: pinning vCPUs'],
  [['-f', 'a=b'], '-f: fw_cfg files'],
  [['-G', '1234'], '-G: the GDB server'],
  [['-K', 'de'], '-K: VNC keyboard layouts'],
  [['-n', '0,1,0'], '-n: NUMA domains'],
  [['-S'], '-S: wired guest memory'],
  [['-C'], '-C: guest memory in core dumps'],
  [['-z'], "unknown option '-z'"],
  [['--kernle', 'x'], "unknown option '--kernle'"],
  [['-m'], "option '-m <size>' argument missing"],
  [['a', 'b'], 'too many arguments'],
  [['-l', 'com5,stdio'], "-l com5,stdio: unknown device 'com5'; accepted are com1, com2, com3, com4, pc-testdev"],
  [['-l', 'com1'], '-l com1: com1 needs a back end'],
  [['-l', 'bootrom,x'], "-l bootrom,x: the device 'bootrom' is not there yet"],
  [['-s', 'hostbridge'], '-s hostbridge: not of the form [bus:]slot[:func],device'],
  [['-o', 'novalue'], "-o novalue: 'novalue' is not of the form name=value"],
  [['-k', '/nonexistent.conf'], '-k /nonexistent.conf: cannot read the configuration file: no such file or directory'],
])('%j is refused by name', (words, message) => {
  expect(() => parseArguments(words)).toThrow(message);
});

test('a bad line of a configuration file is named by its number', () => {
  const path = configFile('bad.conf', 'cpus=1\nnonsense\n');
  expect(() => treeOf('-k', path)).toThrow(`${path}:2: 'nonsense' is not of the form name=value`);
});

test('--engine help has a line for each engine', () => {
  const lines = printed('--engine', 'help').trimEnd().split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['soft', 'kvm', 'vmm', 'auto']);
});
