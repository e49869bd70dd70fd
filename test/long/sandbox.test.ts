// SPDX-License-Identifier: BSD-2-Clause
/** The command in its sandbox with devices that reach out of it while the guest runs. Needs the built checkout. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createWeb } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Guest } from '../../scripts/quickstart/guest.js';
import { PROMPT } from '../../scripts/quickstart/initramfs.js';
import { endRuns, LAUNCHER, PROGRAM, Run } from '../cli/support/run.js';
import { temporaryFolder } from '../snapshot/support/temporary-store.js';
import { folderGuest, netGuest, vsockGuest } from './support/debian-files.js';
import { answerOf } from './support/vsock-call.js';

const folder = temporaryFolder();
const servers: Server[] = [];
afterEach(() => {
  endRuns();
  for (const server of servers.splice(0)) server.close();
});

/** Until the test ends. */
async function listening<Any extends Server>(
  server: Any,
  ...place: [path: string] | [port: number, host: string]
): Promise<Any> {
  servers.push(server);
  if (place.length === 1) server.listen(place[0]);
  else server.listen(...place);
  await once(server, 'listening');
  return server;
}

class Shell {
  private read = 0;
  private readonly vm: Run;

  constructor({ kernel, initrd }: Guest, program: string, device: string) {
    const words = ['-m', '128M', '--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0'];
    const rest = [
      '-s',
      '0,hostbridge',
      '-s',
      '31,lpc',
      '-s',
      device,
      '-l',
      'com1,stdio',
      '--store',
      join(folder, 'store'),
      '--log',
      'info',
      'vm',
    ];
    this.vm = new Run({ program }, ...words, ...rest);
  }

  /** What came before the next prompt. */
  async answer(): Promise<string> {
    await this.vm.until(() => this.vm.out.includes(PROMPT, this.read));
    const end = this.vm.out.indexOf(PROMPT, this.read);
    const text = this.vm.out.slice(this.read, end).replaceAll('\r', '');
    this.read = end + PROMPT.length;
    return text;
  }

  ask(command: string): Promise<string> {
    this.vm.type(`${command}\n`);
    return this.answer();
  }

  async ends(): Promise<void> {
    this.vm.type('poweroff\n');
    expect(await this.vm.end()).toMatchObject({ status: 1 });
    expect(this.vm.err).toContain('sandbox: seccomp');
  }
}

async function shell(guest: Promise<Guest>, program: string, device: string): Promise<Shell> {
  const guests = new Shell(await guest, program, device);
  await guests.answer();
  return guests;
}

const PROGRAMS = [
  ['node', PROGRAM],
  ['the launcher', LAUNCHER],
];

test.each(PROGRAMS)('a shared folder is worked in, started by %s', async (_, program) => {
  const shared = join(temporaryFolder(), 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'old'), 'old\n');
  const guest = await shell(folderGuest(), program, `3,virtio-9p,share=${shared},rw=on`);
  await guest.ask('mkdir /mnt; mount -t 9p -o trans=virtio,version=9p2000.L share /mnt; cd /mnt');
  const work = [
    ...['cat old', 'mkdir new', 'echo text > new/file', 'ln new/file hard', 'ln -s old link', 'readlink link'],
    ...['mv hard new/moved', 'chmod 751 new', 'chmod 640 old', 'touch -d @86400 old', 'chown 0:0 old', 'ls new'],
    ...['truncate -s 2 new/file', 'cat new/moved', 'rm new/file', 'sync', 'df /mnt', 'stat link'],
  ];
  expect(await guest.ask(`(${work.join(' && ')}) && echo all" "done`)).toContain('all done');
  expect(readdirSync(join(shared, 'new'))).toEqual(['moved']);
  expect(readFileSync(join(shared, 'new/moved'), 'utf8')).toBe('te');
  expect(statSync(join(shared, 'new')).mode & 0o7777).toBe(0o751);
  expect(statSync(join(shared, 'old'))).toMatchObject({ mtimeMs: 86_400_000 });
  await guest.ends();
});

test.each(PROGRAMS)('programs of host and guest call each other, started by %s', async (_, program) => {
  const path = join(temporaryFolder(), 'vsock');
  const guest = await shell(vsockGuest(), program, `6,virtio-vsock,path=${path}`);
  await listening(
    createServer((socket) => socket.end('good day\n')),
    `${path}_80`,
  );
  expect(await guest.ask('socat -t 5 - VSOCK-CONNECT:2:80 < /dev/null')).toContain('good day');
  await guest.ask('socat VSOCK-LISTEN:1024 SYSTEM:"cat; echo of the guest" &');
  expect(await answerOf(path, 1024, new Uint8Array())).toMatch(/^OK \d+\nof the guest\n$/);
  await guest.ends();
  expect(existsSync(path)).toBe(false);
});

test.each(PROGRAMS)('user-mode networking reaches the host and its name server, started by %s', async (_, program) => {
  const web = await listening(
    createWeb((_request, response) => response.end('a page\n')),
    0,
    '127.0.0.1',
  );
  const { port } = web.address() as AddressInfo; // of a port, since it listens on one
  const guest = await shell(netGuest(), program, '3,virtio-net,slirp');
  await guest.ask('ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2');
  expect(await guest.ask(`wget -q -O - http://10.0.2.2:${port}/`)).toContain('a page\n');
  expect(await guest.ask('nslookup localhost 10.0.2.3')).toMatch(/Server:\s+10\.0\.2\.3/);
  await guest.ends();
});
