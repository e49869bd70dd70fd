// SPDX-License-Identifier: BSD-2-Clause
/** The unix-socket link with those who speak it: Debian's passt, and a guest of QEMU's `stream` netdev. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { DEFAULT_CONFIG, type PciDeviceConfig } from '../../src/machine/config.js';
import { endRuns } from '../cli/support/run.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { missing } from '../support/nbd-servers.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import type { CommandShell } from './support/command-shell.js';
import { ANSWER_BACKWARDS, askDatagram } from './support/datagram.js';
import { networkGuest } from './support/guest-programs.js';
import { HostedLinux } from './support/hosted-linux.js';
import { untilListening } from './support/listening.js';
import { Passt, withoutPasst } from './support/passt.js';
import { bootQemu, QEMU } from './support/qemu-linux.js';
import { freePort } from './support/ssh.js';

const DATA = randomBytes(1_000_000);
const digest = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

const withCard = (stream: string, options: Record<string, string> = {}): PciDeviceConfig[] => [
  ...DEFAULT_CONFIG.pci,
  { slot: 3, fn: 0, kind: 'virtio-net', options: { stream, ...options } },
];

const SEND_BUSYBOX = `(nc -l -p 99 < /bin/busybox &); ${untilListening(99)}`;

const noPasst = withoutPasst();
(noPasst === null ? describe : describe.skip)(`passt${noPasst ?? ''}`, () => {
  const store = temporaryStore();
  const web = createServer((_, response) => response.end(DATA));
  let tcp: number;
  let udp: number;
  let passt: Passt;
  let linux: HostedLinux;

  beforeAll(async () => {
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    [tcp, udp] = [await freePort(), await freePort()];
    const started = Passt.start('-t', `127.0.0.1/${tcp}:22`, '-u', `127.0.0.1/${udp}:23`);
    if (typeof started === 'string') throw new Error(started);
    passt = started;
    linux = await HostedLinux.boot(await networkGuest(), { pci: withCard(passt.socket, { reconnect: '1' }) });
  });
  afterAll(async () => {
    web.close();
    await linux?.close();
    passt?.end();
  });

  const page = async (): Promise<string[]> => {
    const { port } = web.address() as AddressInfo; // of a port, since it listens on one
    // The gateway stands for the host's loopback.
    return linux.ask(`wget -q -O - http://$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'):${port}/ | md5sum`);
  };

  test('gives an address', async () => {
    const text = (await linux.ask('ip link set lo up; ip link set eth0 up; udhcpc -q -n -i eth0 2>&1')).join('\n');
    expect(text).toMatch(/lease of [\d.]+ obtained/);
  });

  test('a page of the host arrives whole', async () => {
    expect(await page()).toEqual([`${digest(DATA)}  -`]);
  });

  /** What the guest's port answers. Debian 12's passt completes a connection from the host with the first data from there. */
  const askForward = async (): Promise<string> => {
    await linux.ask(`(echo from-the-guest | nc -l -p 22 > /tmp/heard &); ${untilListening(22)}`);
    const socket = connect(tcp, '127.0.0.1');
    socket.write('from-the-host\n');
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString();
    });
    await once(socket, 'close');
    return [text.trim(), ...(await linux.ask('cat /tmp/heard'))].join(', ');
  };

  test('a port of the host leads to one of the guest', async () => {
    expect(await askForward()).toBe('from-the-guest, from-the-host');
  });

  test('so does one of UDP, and the answer comes back', async () => {
    await linux.ask(ANSWER_BACKWARDS);
    expect(await askDatagram(udp, 'question\n')).toBe('noitseuq\n');
  });

  test('after a resume all of it works again', async () => {
    await linux.moveOn(store.root);
    expect((await linux.ask('udhcpc -q -n -i eth0 2>&1')).join('\n')).toMatch(/lease of [\d.]+ obtained/);
    expect(await page()).toEqual([`${digest(DATA)}  -`]);
    expect(await askForward()).toBe('from-the-guest, from-the-host');
    expect((await linux.ask("dmesg -r | grep '^<[0-3]>'")).join('\n')).toBe('');
  });
});

const noQemu = missing(QEMU);
(noQemu === null ? describe : describe.skip)(`a guest of QEMU's${noQemu ?? ''}`, () => {
  const store = temporaryStore();
  const socket = join(temporaryFolder('stream'), 'socket');
  let far: CommandShell;
  let near: HostedLinux;

  beforeAll(async () => {
    const guest = await networkGuest();
    const netdev = `stream,id=cable,server=on,addr.type=unix,addr.path=${socket}`;
    far = await bootQemu(guest, '-netdev', netdev, '-device', 'virtio-net-pci,netdev=cable');
    near = await HostedLinux.boot(guest, { pci: withCard(socket, { reconnect: '1' }) });
    await far.ask('ip link set eth0 up; ip addr add 10.0.0.2/24 dev eth0');
    await near.ask('ip link set eth0 up; ip addr add 10.0.0.1/24 dev eth0; until ping -c 1 -W 1 10.0.0.2; do :; done');
  });
  afterAll(async () => {
    await near?.close();
    endRuns();
  });

  test('packets of all sizes come back, from either side', async () => {
    for (const size of [56, 1400, 20_000]) {
      expect((await near.ask(`ping -c 3 -s ${size} 10.0.0.2`)).join('\n')).toContain(' 0% packet loss');
      expect(await far.ask(`ping -c 3 -s ${size} 10.0.0.1`)).toContain(' 0% packet loss');
    }
  });

  /** Of a program that both of them have. */
  const sum = async (): Promise<string> => (await near.ask('md5sum < /bin/busybox')).join('');

  test('a stream arrives whole, each way', async () => {
    await far.ask(SEND_BUSYBOX);
    expect((await near.ask('nc 10.0.0.2 99 | md5sum')).join('')).toBe(await sum());
    await near.ask(SEND_BUSYBOX);
    expect(await far.ask('nc 10.0.0.1 99 | md5sum')).toContain(await sum());
  });

  test('and again after a resume', async () => {
    await near.moveOn(store.root);
    await far.ask(SEND_BUSYBOX);
    expect((await near.ask('nc 10.0.0.2 99 | md5sum')).join('')).toBe(await sum());
    expect((await near.ask("dmesg -r | grep '^<[0-3]>'")).join('\n')).toBe('');
  });
});
