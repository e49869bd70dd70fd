// SPDX-License-Identifier: BSD-2-Clause
/** A guest's 9P client over a virtio queue, and shared folders of the host for it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type VirtioNinep, virtioNinep } from '../../devices/virtio/ninep.js';
import { HostFolder } from '../../src/host/folder/host-folder.js';
import { nativeHostfs } from '../../src/hypervisor/hostfs.js';
import type { Rig } from './rig.js';
import { temporaryFolder } from './temporary-folder.js';
import { VERSION_1, VirtioDriver } from './virtio-driver.js';
import { VirtioRig } from './virtio-rig.js';

const REQUEST = 0x40000;
const REPLY = 0x60000;
const ROOM = 0x10000;

export type Part = Uint8Array | string | readonly [width: 1 | 2 | 4 | 8, value: number | bigint];

export const u8 = (value: number): Part => [1, value];
export const u16 = (value: number): Part => [2, value];
export const u32 = (value: number): Part => [4, value];
export const u64 = (value: number | bigint): Part => [8, value];

/** A string has its length in two bytes in front of it; bytes stand for themselves. */
export function encoded(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      if (typeof part === 'string') {
        const text = Buffer.from(part, 'latin1');
        return Buffer.concat([Uint8Array.of(text.length & 0xff, text.length >> 8), text]);
      }
      const [width, value] = part;
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
      return bytes.subarray(0, width);
    }),
  );
}

export interface ShareOptions {
  readonly readOnly?: boolean;
  readonly isRepeatable?: boolean;
  readonly rig?: Rig;
}

export function shareKind(path: string, { readOnly = false, isRepeatable = false }: ShareOptions = {}) {
  return virtioNinep({ backend: new HostFolder(path, nativeHostfs()), tag: 'share', readOnly, isRepeatable });
}

export function shareOf(path: string, options: ShareOptions = {}) {
  return new VirtioRig(shareKind(path, options), 'transitional', false, options.rig);
}

/** A folder to be shared, with a secret beside it that nobody may reach. */
export function sandbox(): { readonly outside: string; readonly share: string } {
  const outside = temporaryFolder('share');
  const share = join(outside, 'share');
  mkdirSync(join(share, 'sub/deep'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'secret\n');
  writeFileSync(join(share, 'hello'), 'hello\n');
  writeFileSync(join(share, 'sub/data'), 'data\n');
  symlinkSync('hello', join(share, 'link'));
  symlinkSync('..', join(share, 'up'));
  symlinkSync(outside, join(share, 'out'));
  return { outside, share };
}

export interface Reply {
  readonly type: number;
  readonly tag: number;
  readonly body: Buffer;
}

/** Answers to be compared with: an error has type 7. */
export const Err = { ENOENT: 2, EBADF: 9, EEXIST: 17, EINVAL: 22, EROFS: 30, ESTALE: 116 } as const;

export class NinepClient {
  readonly driver: VirtioDriver<VirtioNinep>;

  constructor(readonly rig: VirtioRig<VirtioNinep>) {
    this.driver = new VirtioDriver(rig, { features: VERSION_1 | 1n }).start();
  }

  /** Speaks until fid 0 is the folder itself. */
  attach(): this {
    this.ask(100, u32(65536), '9P2000.L');
    this.ask(104, u32(0), u32(0xffffffff), 'root', '', u32(0));
    return this;
  }

  ask(type: number, ...parts: readonly Part[]): Buffer {
    const { type: answer, body } = this.exchange(encoded([u32(0), u8(type), u16(1), ...parts]));
    if (answer === 7) throw new Error(`error ${body.readUInt32LE()}`);
    expect(answer).toBe(type + 1);
    return body;
  }

  /** The number of the error that an answer is. */
  error(type: number, ...parts: readonly Part[]): number {
    const { type: answer, body } = this.exchange(encoded([u32(0), u8(type), u16(1), ...parts]));
    return answer === 7 ? body.readUInt32LE() : 0;
  }

  exchange(message: Uint8Array, room = ROOM): Reply {
    const { memory } = this.rig;
    const bytes = Buffer.from(message);
    if (bytes.length >= 4 && bytes.readUInt32LE() === 0) bytes.writeUInt32LE(bytes.length);
    memory.write(REQUEST, bytes);
    this.driver.ring().add([{ address: REQUEST, length: bytes.length }], [{ address: REPLY, length: room }]);
    this.driver.kick();
    const [used] = this.driver.ring().used();
    if (used === undefined) throw new Error('no answer');
    const reply = Buffer.from(memory.read(REPLY, used.length));
    expect(reply.readUInt32LE()).toBe(used.length);
    return { type: reply.readUInt8(4), tag: reply.readUInt16LE(5), body: reply.subarray(7) };
  }

  /** Fid 0 is the root; tells how many of the names are there. */
  walk(fid: number, ...names: readonly string[]): number {
    return this.ask(110, u32(0), u32(fid), u16(names.length), ...names).readUInt16LE();
  }

  open(fid: number, flags = 0): Buffer {
    return this.ask(12, u32(fid), u32(flags));
  }

  create(fid: number, name: string, flags = 0o2, mode = 0o644): Buffer {
    return this.ask(14, u32(fid), name, u32(flags), u32(mode), u32(0));
  }

  read(fid: number, offset = 0, count = 1000): string {
    const body = this.ask(116, u32(fid), u64(offset), u32(count));
    return body.subarray(4, 4 + body.readUInt32LE()).toString('latin1');
  }

  write(fid: number, text: string, offset = 0): number {
    return this.ask(118, u32(fid), u64(offset), u32(text.length), Buffer.from(text, 'latin1')).readUInt32LE();
  }

  clunk(fid: number): void {
    this.ask(120, u32(fid));
  }

  entries(fid: number, offset: bigint | number = 0, count = 8000): { name: string; offset: bigint; type: number }[] {
    const body = this.ask(40, u32(fid), u64(offset), u32(count));
    const found: { name: string; offset: bigint; type: number }[] = [];
    for (let at = 4; at < 4 + body.readUInt32LE(); ) {
      const length = body.readUInt16LE(at + 22);
      const name = body.subarray(at + 24, at + 24 + length).toString('latin1');
      found.push({ name, offset: body.readBigUInt64LE(at + 13), type: body.readUInt8(at + 21) });
      at += 24 + length;
    }
    return found;
  }

  /** Mode, owner, links, size and such, as they come. */
  attributes(fid: number) {
    const body = this.ask(24, u32(fid), u64(0x7ff));
    return {
      qidType: body.readUInt8(8),
      file: body.readBigUInt64LE(13),
      mode: body.readUInt32LE(21),
      links: body.readBigUInt64LE(33),
      size: body.readBigUInt64LE(49),
      accessed: body.readBigUInt64LE(73),
      modified: body.readBigUInt64LE(89),
    };
  }
}
