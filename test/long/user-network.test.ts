// SPDX-License-Identifier: BSD-2-Clause
/** User-mode networking with Debian's driver: DHCP, DNS, connections both ways, and what is left of it after a resume. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createListener, type Socket } from 'node:net';
import { DEFAULT_CONFIG } from '../../src/machine/config.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { ANSWER_BACKWARDS, askDatagram } from './support/datagram.js';
import { networkGuest } from './support/guest-programs.js';
import { HostedLinux } from './support/hosted-linux.js';
import { freePort } from './support/ssh.js';

const DATA = randomBytes(3_000_000);
const DIGEST = createHash('md5').update(DATA).digest('hex');

const store = temporaryStore();
const web = createServer((_, response) => response.end(DATA));
let webPort: number;
let forwarded: number;
let forwardedUdp: number;
let iperfPort: number;
let iperf: ChildProcess;
let linux: HostedLinux;

/** What the guest's port answers. */
async function readForward(): Promise<string> {
  const socket = connect(forwarded, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  await once(socket, 'close');
  return text;
}

const fetchDigest = (): Promise<string[]> => linux.ask(`wget -q -O - http://10.0.2.2:${webPort}/ | md5sum`);
const serve = (text: string): Promise<string[]> => linux.ask(`(echo ${text} | nc -l -p 22 &) ; sleep 0.2`);

beforeAll(async () => {
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  webPort = (web.address() as AddressInfo).port; // as above
  [forwarded, forwardedUdp, iperfPort] = [await freePort(), await freePort(), await freePort()];
  iperf = spawn('iperf3', ['-s', '-B', '127.0.0.1', '-p', String(iperfPort)], { stdio: 'ignore' });
  const hostfwd = `tcp:127.0.0.1:${forwarded}-:22;udp:127.0.0.1:${forwardedUdp}-:23`;
  const options = { backend: 'slirp', hostfwd };
  const pci = [...DEFAULT_CONFIG.pci, { slot: 3, fn: 0, kind: 'virtio-net', options }];
  linux = await HostedLinux.boot(await networkGuest(), { pci });
});
afterAll(async () => {
  iperf.kill();
  web.close();
  await linux.close();
});

test('DHCP gives the address and the name server that everybody knows', async () => {
  await linux.ask('ip link set lo up; ip link set eth0 up; udhcpc -q -n -i eth0');
  expect((await linux.ask('ip -4 addr show eth0; ip route; cat /etc/resolv.conf')).join('\n')).toMatch(
    /inet 10\.0\.2\.15\/24[\s\S]*default via 10\.0\.2\.2[\s\S]*nameserver 10\.0\.2\.3/,
  );
});

test('IPv6 comes with an advertisement', async () => {
  expect((await linux.ask('sleep 3; ip -6 addr show eth0')).join('\n')).toContain('inet6 fec0::');
});

test('the name server is reached: what it answers is the host’s business', async () => {
  expect((await linux.ask('nslookup localhost 10.0.2.3')).join('\n')).toMatch(/10\.0\.2\.3/);
});

test('a page of the host arrives whole', async () => {
  expect(await fetchDigest()).toEqual([`${DIGEST}  -`]);
});

test('a port of the host leads to one of the guest', async () => {
  await serve('from-the-guest');
  expect(await readForward()).toBe('from-the-guest\n');
});

test('so does one of UDP, and the answer comes back', async () => {
  await linux.ask(ANSWER_BACKWARDS);
  expect(await askDatagram(forwardedUdp, 'question\n')).toBe('noitseuq\n');
});

test.each(['', ' -R'])('iperf3%s moves data', async (direction) => {
  const lines = await linux.ask(`iperf3 -c 10.0.2.2 -p ${iperfPort} -n 4M${direction}`);
  expect(lines.join('\n')).toMatch(/receiver/);
  expect(lines.join('\n')).not.toMatch(/error/);
});

test('after a resume address and forwards work at once; a connection from before is reset when it is used', async () => {
  const peer = createListener().listen(0, '127.0.0.1');
  await once(peer, 'listening');
  const { port } = peer.address() as AddressInfo; // as above
  const connected = once(peer, 'connection');
  await linux.ask(
    `mkfifo /tmp/in; (nc 10.0.2.2 ${port} < /tmp/in; echo ended > /tmp/end) & exec 5> /tmp/in; echo hello >&5`,
  );
  const [socket] = (await connected) as [Socket];
  await once(socket, 'data'); // the guest has seen it accepted
  await linux.moveOn(store.root);
  await serve('after-the-resume');
  expect(await readForward()).toBe('after-the-resume\n');
  expect(await fetchDigest()).toEqual([`${DIGEST}  -`]);
  // It may have come to its end by itself, if something had to be sent again.
  const use = '(trap "" PIPE; echo more >&5) 2> /dev/null; while [ ! -e /tmp/end ]; do sleep 0.1; done; cat /tmp/end';
  expect(await linux.ask(use)).toContain('ended');
  expect((await linux.ask('udhcpc -q -n -i eth0 2>&1')).join('\n')).toContain('10.0.2.15');
  expect((await linux.ask("dmesg -r | grep '^<[0-3]>'")).join('\n')).toBe('');
  socket.destroy();
  peer.close();
});
