// SPDX-License-Identifier: BSD-2-Clause
/** A whole Debian behind user-mode NAT: ssh into it through a forward, and apt out of it. Uses dist. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebianImage } from '../../scripts/debian-image/image.js';
import { endRuns } from '../cli/support/run.js';
import { AptRepository, GREETING, PACKAGE } from './support/apt-repository.js';
import { DebianGuest, debianImage, diskOf } from './support/debian-guest.js';
import { checkFileSystem } from './support/disk-image.js';
import { freePort, sshWords } from './support/ssh.js';

const POWERED_OFF = 1;
const MANY_BYTES = 3_000_000;

let folder = '';
let image: DebianImage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-network-'));
  image = await debianImage();
});
afterEach(endRuns);
afterAll(() => rmSync(folder, { recursive: true }));

test('ssh comes in through a forward, and carries what it is given', async () => {
  const [disk, port] = [await diskOf(image), await freePort()];
  const card = `5,virtio-net,slirp,hostfwd=tcp:127.0.0.1:${port}-:22`;
  const guest = DebianGuest.boot({ image, disk, words: ['-s', card] });
  await guest.login();
  expect(await guest.ask('systemctl is-system-running --wait')).toBe('running');
  const data = randomBytes(MANY_BYTES);
  const words = sshWords(image, port, 'cat > data; md5sum < data; uname -n');
  const { stdout, stderr, status } = spawnSync('ssh', words, { input: data, encoding: 'latin1' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  expect(stdout).toBe(`${createHash('md5').update(data).digest('hex')}  -\ndebian\n`);
  const back = spawnSync('ssh', sshWords(image, port, 'cat data'), { maxBuffer: 2 * MANY_BYTES });
  expect(Buffer.compare(back.stdout, data)).toBe(0);
  // Whoever powers off through ssh may lose the connection before the answer.
  spawnSync('ssh', sshWords(image, port, 'systemctl poweroff'));
  expect((await guest.run.end()).status).toBe(POWERED_OFF);
  checkFileSystem(disk);
});

test('apt goes out, and installs what it fetched', async () => {
  const repository = await AptRepository.start(folder);
  try {
    const disk = await diskOf(image);
    const guest = DebianGuest.boot({ image, disk, words: ['-s', '5,virtio-net,slirp'] });
    await guest.login();
    await guest.ask('until ip -4 route | grep -q ^default; do sleep 0.2; done');
    const source = `deb [trusted=yes] http://10.0.2.2:${repository.port}/ ./`;
    await guest.ask(`rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo '${source}' > /etc/apt/sources.list`);
    expect(await guest.ask('apt-get -q update && echo "FETCH""ED"')).toContain('FETCHED');
    expect(await guest.ask(`apt-get -q -y install ${PACKAGE} && ${PACKAGE}`)).toContain(GREETING);
    expect(repository.requests).toContain(`/${PACKAGE}_1.0_all.deb`);
    expect(await guest.ask('systemctl --failed --plain --no-legend')).toBe('');
    expect(await guest.powerOff()).toBe(POWERED_OFF);
    checkFileSystem(disk);
  } finally {
    repository.close();
  }
});
