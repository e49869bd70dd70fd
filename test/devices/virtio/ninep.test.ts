// SPDX-License-Identifier: BSD-2-Clause
import { chmodSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { virtioNinep } from '../../../devices/virtio/ninep.js';
import { StateError } from '../../../src/core/state-error.js';
import { HostFolder } from '../../../src/host/folder/host-folder.js';
import { nativeHostfs } from '../../../src/hypervisor/hostfs.js';
import { deviceContract } from '../../contract/device.contract.js';
import { encoded, NinepClient, sandbox, shareOf, u8, u16, u32, u64 } from '../../support/ninep-client.js';
import { NEEDS_RESET } from '../../support/virtio-driver.js';
import { VirtioRig } from '../../support/virtio-rig.js';

const { share } = sandbox();
const client = (options = {}) => new NinepClient(shareOf(share, options)).attach();

test('tells its tag, and nothing behind it', () => {
  const { driver } = client();
  expect(driver.offered & 1n).toBe(1n);
  expect(driver.config(0, 2)).toBe(5);
  expect(Array.from({ length: 6 }, (_, at) => String.fromCharCode(driver.config(2 + at, 1))).join('')).toBe('share\0');
  expect(driver.rig.device.readConfig(0, 4)).toBe(0x10091af4);
  expect(driver.rig.device.readConfig(0x10, 4) & 0xffffff00).toBe(0x2000);
});

describe('messages that are none', () => {
  const exchange = (bytes: Uint8Array, room?: number) => client().exchange(bytes, room);
  const code = (bytes: Uint8Array): number => exchange(bytes).body.readUInt32LE();

  test('an unknown number is refused with the tag of its request', () => {
    const { type, tag, body } = exchange(encoded([u32(0), u8(99), u16(77)]));
    expect([type, tag, body.readUInt32LE()]).toEqual([7, 77, 95]);
  });

  test('a message that ends too early is refused', () => {
    expect(code(encoded([u32(0), u8(116), u16(0), u32(0)]))).toBe(71);
    expect(code(encoded([u32(0), u8(110), u16(0), u32(0), u32(1), u16(1), u16(100)]))).toBe(71);
    expect(code(encoded([u32(0), u8(118), u16(0), u32(0), u64(0), u32(0xffffffff)]))).toBe(71);
  });

  test('an answer that does not fit is an error', () => {
    expect(exchange(encoded([u32(0), u8(24), u16(0), u32(0), u64(0x7ff)]), 100)).toMatchObject({ type: 7 });
  });

  test('before a version there is nothing but a version', () => {
    const fresh = new NinepClient(shareOf(share));
    expect(fresh.error(104, u32(0), u32(0), 'root', '', u32(0))).toBe(71);
    expect(fresh.error(100, u32(4095), '9P2000.L')).toBe(90);
    expect(fresh.ask(100, u32(8192), '9P2000').toString('latin1', 6)).toBe('unknown');
    expect(fresh.error(104, u32(0), u32(0), 'root', '', u32(0))).toBe(71);
    const agreed = fresh.ask(100, u32(0xffffffff), '9P2000.L');
    expect([agreed.readUInt32LE(), agreed.toString('latin1', 6)]).toEqual([512 * 1024, '9P2000.L']);
  });

  test.each([
    ['shorter than a header', 6, 0x1000],
    ['longer than was agreed on', 0x11000, 0x1000],
    ['without room for an answer', 7, 10],
  ])('a request %s breaks the rules', (_, length, room) => {
    const { driver } = client();
    driver.ring().add([{ address: 0x40000, length }], [{ address: 0x60000, length: room }]);
    driver.kick();
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });

  test('a queue full of requests is answered in pieces', () => {
    const { driver } = client();
    driver.rig.memory.write(0x40000, encoded([u32(7), u8(99), u16(0)]));
    for (let count = 0; count < 40; count += 1) {
      driver.ring().add([{ address: 0x40000, length: 7 }], [{ address: 0x60000, length: 64 }]);
    }
    driver.kick();
    expect(driver.ring().used()).toHaveLength(32);
    driver.rig.rig.clock.advance(1000n);
    expect(driver.ring().used()).toHaveLength(8);
  });
});

test.each([
  [32_768, 1],
  [100, 32],
])('with %i fids, %i renames have their turn', (count, renames) => {
  const { rig, driver } = new NinepClient(shareOf(sandbox().share)).attach();
  const saved = rig.device.serialize();
  const path = Uint8Array.from(Buffer.from('sub/data'));
  const fids = Array.from({ length: count }, (_, fid) => ({ fid, path: fid === 0 ? new Uint8Array() : path }));
  rig.device.deserialize({ ...saved, fields: { ...saved.fields, fids } });
  for (let index = 0; index < 32; index += 1) {
    const names = index % 2 === 0 ? ['sub', 'bus'] : ['bus', 'sub'];
    const [from = '', to = ''] = names;
    const request = encoded([u32(0), u8(74), u16(index), u32(0), from, u32(0), to]);
    const address = 0x40000 + 64 * index;
    rig.memory.write(address, request);
    driver.ring().add([{ address, length: request.length }], [{ address: 0x60000 + 64 * index, length: 64 }]);
  }
  driver.kick();
  expect(driver.ring().used()).toHaveLength(renames);
  rig.rig.clock.advance(1000n);
  expect(driver.ring().used()).toHaveLength(Math.min(renames, 32 - renames));
  rig.rig.clock.advance(1_000_000n);
  expect(rig.memory.readU8(0x60000 + 64 * 31 + 4)).toBe(75);
  expect(driver.ring().used()).toHaveLength(Math.max(0, 32 - 2 * renames));
});

test('a new conversation forgets the old one, and so does a reset', () => {
  const talk = client();
  talk.walk(1, 'hello');
  talk.open(1);
  talk.attach();
  expect(talk.error(116, u32(1), u64(0), u32(1))).toBe(9);
  talk.walk(1, 'hello');
  talk.driver.status = 0;
  expect(talk.rig.device.serialize().fields).toMatchObject({ fids: [], open: [], msize: 0 });
});

describe('after a restore', () => {
  const putAnother = (path: string): void => {
    writeFileSync(`${path}.new`, 'other');
    renameSync(`${path}.new`, path);
  };
  /** Through another device, which has none of the files open. */
  const resumed = ({ rig: { device } }: NinepClient): void => {
    const other = shareOf(share).device;
    other.deserialize(device.serialize());
    device.deserialize(other.serialize());
    other.close();
  };

  test('open files go on where their names say', () => {
    writeFileSync(join(share, 'log'), '0123456789');
    const talk = client();
    talk.walk(1, 'log');
    talk.open(1, 0o2);
    talk.walk(2, 'sub');
    resumed(talk);
    expect(talk.read(1, 4, 3)).toBe('456');
    talk.write(1, 'x', 0);
    expect(readFileSync(join(share, 'log'), 'utf8')).toBe('x123456789');
    expect(talk.ask(110, u32(2), u32(3), u16(1), 'data').readUInt16LE()).toBe(1);
  });

  test.each([
    ['is gone', (path: string) => rmSync(path)],
    ['is another one', (path: string) => putAnother(path)],
    ['has another name', (path: string) => renameSync(path, `${path}3`)],
  ])('an open file that %s is stale', (_, change) => {
    writeFileSync(join(share, 'log'), '0123456789');
    const talk = client();
    talk.walk(1, 'log');
    talk.open(1);
    change(join(share, 'log'));
    expect(talk.read(1, 0, 3)).toBe('012');
    resumed(talk);
    expect(talk.error(116, u32(1), u64(0), u32(1))).toBe(116);
    expect(talk.error(24, u32(1), u64(0x7ff))).toBe(116);
    talk.clunk(1);
  });

  test('a truncating open does not truncate a second time', () => {
    writeFileSync(join(share, 'log'), '0123456789');
    const talk = client();
    talk.walk(1, 'log');
    talk.open(1, 0o1001);
    talk.write(1, 'abc');
    resumed(talk);
    expect(talk.write(1, 'd', 3)).toBe(1);
    expect(readFileSync(join(share, 'log'), 'utf8')).toBe('abcd');
  });

  test('a share that is read-only now does not let an open file be written', () => {
    writeFileSync(join(share, 'log'), '0123456789');
    const rules = { readOnly: false };
    const backend = new HostFolder(share, nativeHostfs());
    const options = { backend, tag: 'share', isRepeatable: false };
    const kind = virtioNinep(
      Object.defineProperty({ ...options, readOnly: false }, 'readOnly', { get: () => rules.readOnly }),
    );
    const talk = new NinepClient(new VirtioRig(kind)).attach();
    talk.walk(1, 'log');
    talk.open(1, 0o2);
    rules.readOnly = true;
    resumed(talk);
    expect(talk.error(116, u32(1), u64(0), u32(1))).toBe(30);
    expect(talk.error(118, u32(1), u64(0), u32(1), Uint8Array.of(1))).toBe(30);
    expect(readFileSync(join(share, 'log'), 'utf8')).toBe('0123456789');
  });

  test('reading a folder goes on behind the last entry', () => {
    const talk = client();
    for (let n = 0; n < 40; n += 1) writeFileSync(join(share, 'sub/deep', `file${n}`), '');
    talk.walk(1, 'sub', 'deep');
    talk.open(1);
    const names: string[] = [];
    for (let offset = 0n; ; ) {
      const some = talk.entries(1, offset, 200);
      const last = some.at(-1);
      if (last === undefined) break;
      names.push(...some.map(({ name }) => name));
      offset = last.offset;
      resumed(talk);
    }
    expect(names.sort()).toEqual(['.', '..', ...Array.from({ length: 40 }, (_, n) => `file${n}`)].sort());
  });
});

describe('a saved state that is not one', () => {
  const saved = client().rig.device.serialize();
  const load = (fields: object) => () =>
    client().rig.device.deserialize({ ...saved, fields: { ...saved.fields, ...fields } });
  const path = (text: string) => Buffer.from(text, 'latin1');

  test.each([
    ['..', 'fids[0].path'],
    ['a/../b', 'fids[0].path'],
    ['/etc', 'fids[0].path'],
    ['a//b', 'fids[0].path'],
    ['a/', 'fids[0].path'],
    ['a\0b', 'fids[0].path'],
  ])('a path %j is refused', (text, where) => {
    expect(load({ fids: [{ fid: 0, path: Uint8Array.from(path(text)) }] })).toThrow(StateError);
    expect(load({ fids: [{ fid: 0, path: Uint8Array.from(path(text)) }] })).toThrow(where);
  });

  test('so are fids that are there twice, or open without being there', () => {
    const fid = { fid: 3, path: Uint8Array.from(path('a')) };
    const open = { fid: 3, flags: 0, file: 1, born: 1 };
    expect(load({ fids: [fid, fid] })).toThrow('fids[1].fid');
    expect(load({ open: [open] })).toThrow('open[0].fid');
    expect(load({ fids: [fid], open: [open, open] })).toThrow('open[1].fid');
    expect(load({ fids: [fid], open: [open] })).not.toThrow();
  });
});

test('under the virtual clock nothing is told that the folder does not decide', () => {
  utimesSync(join(share, 'hello'), 5000, 7000);
  chmodSync(join(share, 'hello'), 0o640);
  const look = (isRepeatable: boolean) => {
    const talk = client({ isRepeatable });
    talk.walk(1, 'hello');
    const { accessed, modified, mode } = talk.attributes(1);
    return { accessed, modified, mode, blocks: talk.ask(8, u32(0)).readBigUInt64LE(8) };
  };
  expect(look(true)).toEqual({ accessed: 7000n, modified: 7000n, mode: 0o100640, blocks: 0n });
  expect(look(false)).toMatchObject({ accessed: 5000n, modified: 7000n });
  expect(look(false).blocks).toBeGreaterThan(0n);
});

deviceContract('virtio-9p', (rig) => shareOf(share, { rig }).device, {
  operate: (device) => device.writeConfig(4, 2, 7),
});
