// SPDX-License-Identifier: BSD-2-Clause
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/cli/args.js';
import { type Settings, settingsOf } from '../../src/cli/settings.js';

const NOW = 1_700_000_000_500;
const MIB = 1024 * 1024;

let folder = '';
let kernel = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-settings-'));
  kernel = join(folder, 'kernel');
  writeFileSync(kernel, 'MZ');
});
afterAll(() => rmSync(folder, { recursive: true }));

function settings(...words: string[]): Settings {
  const parsed = parseArguments(['--kernel', kernel, ...words]);
  if (parsed.kind !== 'run') throw new Error('printed instead');
  return settingsOf(parsed.tree, NOW, 60);
}

test('what is not given has bhyve’s defaults', () => {
  const { machine, consoles, verbosity } = settings();
  expect(machine).toMatchObject({ name: 'vm', cpus: 1, memory: 256 * MIB, clock: { kind: 'real' }, pcTestdev: false });
  expect(machine).toMatchObject({ ignoreUnknownMsrs: false, strictPorts: false, mpTable: true });
  expect(settings('-weY').machine).toMatchObject({ ignoreUnknownMsrs: true, strictPorts: true, mpTable: false });
  expect(machine.pci.map(({ slot, kind }) => [slot, kind])).toEqual([
    [0, 'hostbridge'],
    [31, 'lpc'],
  ]);
  expect([...consoles]).toEqual([['com1', 'detached']]);
  expect(verbosity).toBe('warn');
});

test.each([
  ['512', 512 * MIB],
  ['512M', 512 * MIB],
  ['512m', 512 * MIB],
  ['512MB', 512 * MIB],
  ['1048576K', 1024 * MIB],
  ['2G', 2048 * MIB],
  ['1T', 1024 * 1024 * MIB],
  ['268435456', 256 * MIB],
])('-m %s', (text, bytes) => {
  expect(settings('-m', text).machine.memory).toBe(bytes);
});

test.each(['', 'x', '1', '1M', '-5', '1.5G', '3000000', '5K', '65T', '99999999T', '512 M', '0x200'])(
  'memory size "%s" is refused with what is accepted',
  (text) => {
    expect(() => settings('-o', `memory.size=${text}`)).toThrow(
      `memory.size: '${text}' is not a memory size; accepted are whole megabytes from 2M to 64T`,
    );
  },
);

test('the kernel, initrd and command line are passed on, and files are checked first', () => {
  expect(settings('--initrd', kernel, '--append', 'console=ttyS0 quiet').machine.boot).toEqual({
    kernel,
    initrd: kernel,
    commandLine: 'console=ttyS0 quiet',
  });
  expect(() => settings('--kernel', '/nonexistent')).toThrow(
    '--kernel /nonexistent: cannot read it: no such file or directory',
  );
  expect(() => settings('--initrd', folder)).toThrow(`--initrd ${folder}: not a file`);
  const parsed = parseArguments([]);
  expect(() => parsed.kind === 'run' && settingsOf(parsed.tree, NOW, 0)).toThrow('--kernel: missing');
});

test('engines', () => {
  expect(settings().machine).toMatchObject({ engine: 'soft', tscHz: null });
  expect(settings('--engine', 'auto', '--clock', 'virtual')).toMatchObject({
    machine: { engine: 'soft' },
    engineNotice: 'engine soft: the virtual clock needs it',
  });
  expect(() => settings('--engine', 'kvm', '--clock', 'virtual')).toThrow('it does not count instructions');
});

test('clocks', () => {
  expect(settings('--clock', 'virtual').machine.clock).toEqual({ kind: 'virtual', numerator: 1, denominator: 1 });
  expect(settings('--clock', 'virtual,10/3').machine.clock).toEqual({ kind: 'virtual', numerator: 10, denominator: 3 });
  for (const bad of ['virtual,0/1', 'virtual,1', 'virtual,', 'imaginary', 'virtual,1/4294967296']) {
    expect(() => settings('--clock', bad)).toThrow(`clock: '${bad}' is not a clock; accepted are real, virtual`);
  }
});

test('the real-time clock starts at the host’s local time, with -u at UTC, and under the virtual clock at a fixed time', () => {
  expect(settings().machine.rtcBase).toBe(1_700_003_600n);
  expect(settings('-u').machine.rtcBase).toBe(1_700_000_000n);
  expect(settings('--clock', 'virtual').machine.rtcBase).toBe(1_385_769_600n);
  expect(settings('-o', 'rtc.base=5').machine.rtcBase).toBe(5n);
});

test('the guest clock is advanced by default under the real clock, and frozen under the virtual', () => {
  expect(settings().machine.guestClock).toBe('advance');
  expect(settings('--clock', 'virtual').machine.guestClock).toBe('freeze');
  expect(settings('--guest-clock', 'freeze').machine.guestClock).toBe('freeze');
});

test('the UUID belongs to the name', () => {
  expect(settings('web').machine.uuid).toBe(settings('web').machine.uuid);
  expect(settings('web').machine.uuid).not.toBe(settings('db').machine.uuid);
  expect(settings('web').machine.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('serial ports and their back ends', () => {
  const { consoles } = settings('-l', 'com1,stdio', '-l', 'com3,tcp=127.0.0.1:0');
  expect([...consoles]).toEqual([
    ['com1', 'stdio'],
    ['com3', 'tcp=127.0.0.1:0'],
  ]);
  expect(() => settings('-l', 'com1,stdio', '-l', 'com2,stdio')).toThrow("'stdio' is already the back end of com1");
  expect(() => settings('-s', '0,hostbridge', '-l', 'com1,stdio')).toThrow('add -s 31,lpc');
  expect(settings('-l', 'com1,pty', '-l', 'com2,pty').consoles.size).toBe(2);
});

test('devices on other buses, and several in a slot', () => {
  const places = ['0,hostbridge', '1:3:0,virtio-rnd', '1:3:7,virtio-rnd', '2:1,hostbridge', '2:0,lpc'];
  const { machine } = settings(...places.flatMap((place) => ['-s', place]));
  expect(machine.pci.map(({ bus = 0, slot, fn }) => `${bus}:${slot}:${fn}`).sort()).toEqual([
    ...['0:0:0', '0:2:0', '0:2:1', '1:3:0', '1:3:7'],
  ]);
});

test('disks and random numbers', () => {
  const options = (...words: string[]) => settings(...words).machine.pci[0]?.options;
  expect(options('-s', '3,virtio-blk,/a=b.img,ro,ser=X=1')).toEqual({ path: '/a=b.img', ro: 'true', ser: 'X=1' });
  expect(options('-s', '3,virtio-blk,disk.img')).toEqual({ path: join(process.cwd(), 'disk.img') });
  expect(options('-s', '3,virtio-net,stream=passt.sock,mtu=1400')).toEqual({
    stream: join(process.cwd(), 'passt.sock'),
    mtu: '1400',
  });
  expect(options('-s', '3,virtio-9p,home=shared,ro')).toEqual({
    sharename: 'home',
    path: join(process.cwd(), 'shared'),
    ro: 'true',
  });
  expect(options('-s', '3,virtio-9p,sharename=a,path=/b,rw')).toEqual({ sharename: 'a', path: '/b', rw: 'true' });
  expect(options('-s', '2,virtio-net,tap0')).toEqual({ backend: 'tap0' });
  expect(options('-s', '2,virtio-net,slirp,hostfwd=tcp::1-:2;tcp::3-:4,hostfwd=udp::5-:6')).toEqual({
    backend: 'slirp',
    hostfwd: 'tcp::1-:2;tcp::3-:4;udp::5-:6',
  });
  expect(options('-W', '-s', '3,virtio-rnd,modern=on')).toEqual({ modern: 'on', msix: 'off' });
  expect(options('-W', '-s', '3,hostbridge')).toEqual({});
});

test('virtio consoles and their back ends', () => {
  const { machine, consoles } = settings('-s', '31,lpc', '-s', '5,virtio-console,console=unix=c,org.agent.0=a.sock');
  const here = (name: string): string => join(process.cwd(), name);
  expect(machine.pci[1]?.options).toEqual({ console: `unix=${here('c')}`, 'port.org.agent.0': here('a.sock') });
  expect([...consoles]).toEqual([
    ['com1', 'detached'],
    ['pci-0:5:0/console', `unix=${here('c')}`],
    ['pci-0:5:0/org.agent.0', `unix=${here('a.sock')}`],
  ]);
  const alone = settings('-s', '31,lpc', '-s', '5,virtio-console,console=detached');
  expect([...alone.consoles]).toEqual([['pci-0:5:0/console', 'detached']]);
  expect(settings('-s', '5,virtio-console,console=none').consoles.size).toBe(0);
});

test.each([
  [['-s', '5,virtio-console'], 'pci[0] port: missing; give console=BACKEND, or NAME=PATH'],
  [['-s', '5,virtio-console,agent'], "'agent' is no option of virtio-console; a port is NAME=PATH"],
  [['-s', '5,virtio-console,a b=/s'], "pci[0] port: 'a b'; 1 to 48 letters"],
  [['-s', '5,virtio-console,a=/s,b=/s'], "'unix=/s' is already the back end of pci-0:5:0/a"],
  [
    ['-s', '31,lpc', '-l', 'com1,stdio', '-s', '5,virtio-console,console=stdio'],
    "lpc.com1.path: 'stdio' is already the back end of pci-0:5:0/console",
  ],
  [
    ['-s', `5,virtio-console,${Array.from({ length: 17 }, (_, port) => `p${port}=/s${port}`).join()}`],
    'pci[0] port: there are 17; at most 16 are accepted',
  ],
  [['--unpack', 'nobody'], "--unpack: 'nobody'; accepted are host, guest"],
  [['-c', '17'], "cpus: '17' is not a whole number from 1 to 16"],
  [['-c', '0'], "cpus: '0' is not a whole number from 1 to 16"],
  [['-c', '4,sockets=3'], '3 sockets x 1 cores x 1 threads make 3, not 4'],
  [['-s', '3,floppy'], "pci.0.3.0: unknown device 'floppy'; accepted are hostbridge, amd_hostbridge, lpc"],
  [['-s', '3,virtio-blk'], 'pci[0] path: missing; give an image file, a block device or an NBD export'],
  [['-s', '3,virtio-blk,/d,nocache=maybe'], "pci[0] nocache: 'maybe'; accepted are on and off"],
  [['-s', '3,virtio-blk,/d,wet'], "unknown option 'wet' of virtio-blk; accepted are path, ro, sync"],
  [['-s', '3,virtio-net,netgraph'], "pci[0] backend: 'netgraph'; slirp, tapN, tap=NAME"],
  [['-s', '3,virtio-net,slirp,hostfwd=tcp:22-22'], "pci[0] hostfwd: 'tcp:22-22'; accepted is tcp|udp:"],
  [['-s', '3,virtio-net'], 'pci[0] backend: missing; slirp, tapN, tap=NAME, stream=SOCKET and loopback=NAME'],
  [['-s', '3,virtio-9p'], 'pci[0] sharename: missing; give NAME=FOLDER'],
  [['-s', '3,virtio-9p,a=/b,c=/d'], "'c' is a second share; a device has one"],
  [['-s', '3,virtio-9p,a=/b,wet'], "unknown option 'wet' of virtio-9p; accepted are sharename, path, ro, rw"],
  [['-s', '3,virtio-rnd,modern=perhaps'], "pci[0] modern: 'perhaps'; accepted are on, off and transitional"],
  [['-s', '3,hostbridge,colour=red'], "unknown option 'colour' of hostbridge; it takes none"],
  [['-s', '32,lpc'], "there is no slot '32'; accepted is 0 to 31"],
  [['-s', '256:3:0,lpc'], "there is no bus '256'; accepted is 0 to 255"],
  [['-s', '1:3:0,lpc'], 'pci[0]: lpc in 1:3:0: expected on bus 0'],
  [
    ['-s', '3:0,hostbridge', '-s', '4:1,virtio-rnd'],
    'pci.0.4.1: no guest looks for virtio-rnd there without a function 0',
  ],
  [['-s', '3:8,lpc'], "there is no func '8'; accepted is 0 to 7"],
  [['--engine', 'diesel'], 'engine "diesel": unknown engine; accepted are soft, kvm, auto'],
  [['--log', 'loud'], "log.level: unknown value 'loud'; accepted are debug, info, warn, error"],
  [['-U', 'me'], 'uuid: "me": expected 8-4-4-4-12 hex digits'],
  [['-o', 'x86.strictmsr=maybe'], "x86.strictmsr: 'maybe' is neither true"],
  [['--clone'], 'snapshot.clone: says how to go on from a snapshot: add -r'],
  [['--verify'], 'snapshot.verify: says how'],
  [['--identity', 'new'], 'snapshot.identity: says how'],
  [['--mac', 'new'], 'snapshot.mac: says how'],
  [['--guest-clock', 'stop'], "guest.clock: unknown value 'stop'; accepted are freeze, advance"],
  [['../etc'], 'name: "../etc"'],
])('%j is refused by name', (words, message) => {
  expect(() => settings(...words)).toThrow(message);
});

test('inputs are recorded or replayed, under the virtual clock', () => {
  expect(settings('--clock', 'virtual', '--record', '/f').inputs).toEqual({ record: '/f' });
  expect(settings('--clock', 'virtual', '--replay', '/f').inputs).toEqual({ replay: '/f' });
  expect(settings().inputs).toBeUndefined();
  expect(() => settings('--replay', '/f')).toThrow('--replay: the real clock cannot be repeated; add --clock virtual');
  expect(() => settings('--clock', 'virtual', '--record', '/f', '--replay', '/g')).toThrow(
    "--record: '/f' together with --replay '/g'; one of them is accepted",
  );
});
