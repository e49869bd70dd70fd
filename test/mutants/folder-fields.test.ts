// SPDX-License-Identifier: BSD-2-Clause
/** Every field of a shared folder's own is needed by its guest after a restore. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Life, unnoticed } from '../support/field-mutants.js';
import { NinepClient, sandbox, shareOf, u32, u64 } from '../support/ninep-client.js';

/** These have proofs of their own. */
const COMMON = ['config', 'msi', 'msix', 'virtio'];
const MSIZE = 8192;
const TAG_LENGTH = 5;
const MINUTES = 600_000;

const { share } = sandbox();
writeFileSync(
  join(share, 'big'),
  Uint8Array.from({ length: 2 * MSIZE }, (_, index) => index),
);

const opened: NinepClient[] = [];
afterEach(() => {
  for (const talk of opened.splice(0)) talk.rig.device.close();
});

function folder(): Life {
  for (const before of opened.splice(0)) before.rig.device.close();
  const talk = new NinepClient(shareOf(share, { readOnly: true }));
  opened.push(talk);
  const tag = () => Array.from({ length: 2 + TAG_LENGTH }, (_, at) => talk.driver.config(at, 1));
  const getattr = (fid: number): string => talk.ask(24, u32(fid), u64(0x7ff)).toString('hex');
  const steps = [
    tag,
    () => talk.ask(100, u32(MSIZE), '9P2000.L').toString('hex'),
    () => talk.ask(104, u32(0), u32(0xffffffff), 'root', '', u32(0)).toString('hex'),
    () => talk.walk(1, 'big'),
    () => talk.walk(2, 'sub', 'data'),
    () => talk.walk(3, 'sub'),
    () => talk.open(1).toString('hex'),
    () => talk.read(1, 3, MSIZE),
    () => talk.open(2).toString('hex'),
    () => talk.read(2),
    () => [0, 1, 2, 3].map(getattr),
    () => talk.read(1, 5, MSIZE),
    () => talk.open(3).toString('hex'),
    () => talk.entries(3),
    () => talk.clunk(1),
    () => talk.walk(1, 'hello'),
    () => getattr(1),
    tag,
  ];
  return { device: talk.rig.device, steps };
}

test(
  'virtio-9p',
  () => {
    expect(unnoticed(folder, { ignored: COMMON, choices: ['hello', 'sub/data', ''] })).toEqual([]);
  },
  MINUTES,
);
