// SPDX-License-Identifier: BSD-2-Clause
/** A named port of Debian's console driver whose reader does not read (decision 0028): its writer waits, and nobody else. */
import { createHash } from 'node:crypto';
import { DEFAULT_CONFIG } from '../../src/machine/config.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { virtioGuest } from './support/debian-files.js';
import { HostedLinux } from './support/hosted-linux.js';

const PORT = 'pci-0:5:0/org.agent.0';
/** Bytes of each of the writer's writes, for which the driver takes a buffer of its own. */
const PIECE = 4096;
/** What the port's ring on the host holds, and the buffers of its queue. */
const ROOM = 256 * 1024 + 64 * PIECE;

const store = temporaryStore();
let received: Uint8Array[] = [];
let linux: HostedLinux;

const digest = (): string => createHash('md5').update(Buffer.concat(received)).digest('hex');

beforeEach(async () => {
  received = [];
  const options = { 'port.org.agent.0': '/nowhere' };
  const pci = [...DEFAULT_CONFIG.pci, { slot: 5, fn: 0, kind: 'virtio-console' as const, options }];
  linux = await HostedLinux.boot(await virtioGuest(), { pci }, { [PORT]: (bytes) => void received.push(bytes) });
  await linux.host.call('setConsoleOpen', PORT, true);
  linux.host.holdOutput(PORT, true);
});
afterEach(() => linux.close());

/** Starts to write a file that is longer than all that has room for it, and returns when no more goes. */
async function writeUntilFull(): Promise<{ size: number; sum: string }> {
  const [size, sum] = await linux.ask("stat -c %s /bin/busybox; md5sum /bin/busybox | cut -d ' ' -f 1");
  await linux.ask(`{ dd if=/bin/busybox of=/dev/vport0p1 bs=${PIECE} 2>/dev/null; echo $? > /ended; } &`);
  await linux.ask('until [ -e /ended ] || WRITER=$(pidof dd); do :; done');
  await linux.ask(`until [ -e /ended ] || grep -q '^wchar: ${ROOM}$' /proc/$WRITER/io; do :; done`);
  await linux.ask("until [ -e /ended ] || grep -q '^State:.S' /proc/$WRITER/status; do :; done");
  return { size: Number(size), sum: sum ?? '' };
}

/** Bytes in writes that have ended; none if the writer has. */
const written = async (): Promise<number> =>
  Number((await linux.ask("grep ^wchar /proc/$WRITER/io | cut -d ' ' -f 2"))[0]);

/** The writer has ended well, and what it wrote has come. */
async function ended(): Promise<void> {
  const [status] = await linux.ask('until [ -s /ended ]; do :; done; cat /ended');
  expect(status).toBe('0');
  await linux.ask('true'); // consoles are looked at one after the other: the port once more before this answer
}

test('makes its writer wait, and nobody else, and loses nothing', async () => {
  const { size, sum } = await writeUntilFull();
  expect(size).toBeGreaterThan(ROOM);
  // Others have the machine meanwhile: its processor, its first console and its clock.
  expect(await linux.ask("seq 1 20000 | md5sum | cut -d ' ' -f 1; sleep 1; echo awake")).toEqual([
    createHash('md5')
      .update(Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join(''))
      .digest('hex'),
    'awake',
  ]);
  expect(await written()).toBe(ROOM);
  expect(received).toEqual([]);
  linux.host.holdOutput(PORT, false);
  await ended();
  expect(digest()).toBe(sum);
});

test('loses nothing when the machine goes on in another process meanwhile', async () => {
  const { sum } = await writeUntilFull();
  await linux.moveOn(store.root);
  await linux.host.call('setConsoleOpen', PORT, true);
  await ended();
  expect(digest()).toBe(sum);
});
