// SPDX-License-Identifier: BSD-2-Clause
/** A tap with Debian's driver: offloads, several pairs of queues, and connections that outlive a suspend. Only root can make taps. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { DEFAULT_CONFIG } from '../../src/machine/config.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { networkGuest } from './support/guest-programs.js';
import { HostedLinux } from './support/hosted-linux.js';
import { canTap, ip, TapHost } from './support/tap-host.js';

const whenRoot = canTap ? describe : describe.skip;

const PORT = 5299;
const PIECE = 200_000;
const SUSPENDS = 8;

const card = (options: Record<string, string>) => ({ slot: 3, fn: 0, kind: 'virtio-net', options });

whenRoot.each([
  ['', { offload: 'on' }],
  [' with four pairs of queues and packed rings', { offload: 'on', queues: '4', modern: 'on', packed: 'on' }],
  [' without offloads', { offload: 'off' }],
])('a tap that is given%s', (_, options) => {
  const store = temporaryStore();
  let tap: TapHost;
  let iperf: ChildProcess;
  let linux: HostedLinux;

  beforeAll(async () => {
    tap = new TapHost(`tsb${process.pid % 100_000}`, 7);
    iperf = spawn('iperf3', ['-s', '-B', tap.host, '-p', String(PORT)], { stdio: 'ignore' });
    const pci = [...DEFAULT_CONFIG.pci, card({ tap: tap.name, ...options })];
    linux = await HostedLinux.boot(await networkGuest(), { pci });
    await linux.ask(`ip link set lo up; ip link set eth0 up; ip addr add ${tap.guest}/24 dev eth0; sleep 1`);
  });
  afterAll(async () => {
    iperf.kill();
    await linux.close();
    tap.close();
  });

  test('packets of all sizes come back', async () => {
    for (const size of [56, 1400, 20_000]) {
      expect((await linux.ask(`ping -c 3 -s ${size} ${tap.host}`)).join('\n')).toContain(' 0% packet loss');
    }
  });

  test.each(['', ' -R', ' -P 4', ' -P 4 -R'])('iperf3%s moves data', async (how) => {
    const lines = (await linux.ask(`iperf3 -c ${tap.host} -p ${PORT} -n 8M${how}`)).join('\n');
    expect(lines).toMatch(/receiver/);
    expect(lines).not.toMatch(/error/);
  });

  test('iperf3 goes on over suspends, in both directions at once', async () => {
    const client = `iperf3 -c ${tap.host} -p ${PORT} --bidir -b 20M -t 86400 -i 1 --forceflush`;
    await linux.ask(`${client} > /tmp/both 2>&1 &`);
    // How many seconds each direction has moved something in.
    const seconds = async (): Promise<number[]> =>
      (await linux.ask('for way in TX RX; do grep -c $way-C.*[KMG]Bytes /tmp/both; done')).map(Number);
    for (let count = 0; count < SUSPENDS; count += 1) {
      await linux.moveOn(store.root);
      const before = await seconds();
      // A line tells of a second that may have begun before the suspend.
      while (!(await seconds()).every((now, way) => now >= (before[way] ?? 0) + 2)) {
        expect((await linux.ask('sleep 1; grep error /tmp/both')).join('\n')).toBe('');
      }
    }
    await linux.ask('killall -INT iperf3; while pidof iperf3; do sleep 1; done');
    expect(await linux.ask('grep ^iperf3: /tmp/both')).toEqual(['iperf3: interrupt - the client has terminated']);
  });

  test('connections in both directions go on over suspends, and lose nothing', async () => {
    const data = randomBytes(8 * PIECE);
    const [size, sent] = await linux.ask("stat -c %s /bin/busybox; md5sum /bin/busybox | cut -d ' ' -f 1");
    const received = createHash('md5');
    const server = createServer().listen(0, tap.host);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // of a port, since it listens on one
    const connected = once(server, 'connection');
    linux.type(`nc ${tap.host} ${port} < /bin/busybox > /tmp/got; md5sum /tmp/got`);
    const [socket] = (await connected) as [Socket];
    let bytes = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('data', (piece: Buffer) => {
        received.update(piece);
        bytes += piece.length;
        if (bytes === Number(size)) resolve();
      });
    });
    for (let at = 0; at < data.length; at += PIECE) {
      socket.write(data.subarray(at, at + PIECE));
      await linux.moveOn(store.root);
    }
    // The guest's nc ends when one side has nothing more to say.
    await all;
    socket.end();
    expect(await linux.answer()).toEqual([`${createHash('md5').update(data).digest('hex')}  /tmp/got`]);
    expect(received.digest('hex')).toBe(sent);
    expect((await linux.ask("dmesg -r | grep '^<[0-3]>'")).join('\n')).toBe('');
    server.close();
  });
});

whenRoot('a tap that is not there', () => {
  test('is made, is up, and goes with the machine', async () => {
    const tap = `tsm${process.pid % 100_000}`;
    const linux = await HostedLinux.boot(await networkGuest(), { pci: [...DEFAULT_CONFIG.pci, card({ tap })] });
    expect(ip('link', 'show', tap)).toMatch(/[<,]UP[,>]/);
    ip('addr', 'add', '10.99.8.1/24', 'dev', tap);
    await linux.ask('ip link set eth0 up; ip addr add 10.99.8.2/24 dev eth0; sleep 1');
    expect((await linux.ask('ping -c 2 10.99.8.1')).join('\n')).toContain(' 0% packet loss');
    await expect(HostedLinux.boot(await networkGuest(), { pci: [card({ tap })] })).rejects.toThrow(
      `pci-0:3:0 tap ${tap}: something else has it open, or it is no tap`,
    );
    await linux.close();
    expect(() => ip('link', 'show', tap)).toThrow();
  });
});
