// SPDX-License-Identifier: BSD-2-Clause
/**
 * fw_cfg: a guest's firmware reads named items (tables, boot order, CPU counts) byte by byte.
 * Reference: FW-CFG = QEMU's "Firmware Configuration (fw_cfg) Device" specification. Selector at port 0x510, data at 0x511.
 * Not modelled: the DMA interface, and writing items (QEMU dropped that too).
 * The items are configuration, made again at every start; only the guest's place in them is state.
 */
import { hex } from '../../src/core/bits.js';
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u16, u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';

const SELECTOR = 0; // offsets from 0x510
const DATA = 1;

const KEY_SIGNATURE = 0x0000;
const KEY_ID = 0x0001;
const KEY_CPUS = 0x0005;
const KEY_MAX_CPUS = 0x000f;
const KEY_FILE_DIRECTORY = 0x0019;
const KEY_FIRST_FILE = 0x0020;
const KEY_END = 0x4000;
const WRITE_MODE = 0x4000; // selector bit 14: asks for writing, which is ignored

const ID_TRADITIONAL = 0x1;
const DIRECTORY_HEADER = 4;
const DIRECTORY_ENTRY = 64;
const NAME_LENGTH = 56; // with the terminating zero

const fields = {
  selector: u16({ mask: ~WRITE_MODE & 0xffff, doc: 'key of the selected item' }),
  offset: u32({ doc: 'next byte of the item to read' }),
};
const shape = new StateShape('fw-cfg', 1, fields);

export interface FwCfgFile {
  /** ASCII, such as opt/bhyve/hw.ncpu. */
  readonly name: string;
  readonly data: Uint8Array;
}

export interface FwCfgContents {
  readonly cpus: number;
  readonly maxCpus: number;
  readonly files: readonly FwCfgFile[];
}

export class FwCfg extends Device<typeof fields> {
  private readonly items: ReadonlyMap<number, Uint8Array>;

  constructor(id: string, contents: FwCfgContents) {
    super(id, shape);
    this.items = buildItems(contents);
  }

  /** Two ports from 0x510: words written to the first select, bytes read from the second are data. */
  ports(): PortHandler {
    return {
      read: (offset, width) => (offset === DATA && width === 1 ? this.nextByte() : 0xffff),
      write: (offset, width, value) => {
        if (offset === SELECTOR && width === 2) this.select(value);
      },
    };
  }

  protected restored(): void {}

  protected wasReset(): void {}

  private select(key: number): void {
    this.state.selector = key & ~WRITE_MODE;
    this.state.offset = 0;
  }

  /** FW-CFG "Data Register": past the end, and in items that do not exist, data reads as zero. */
  private nextByte(): number {
    const byte = this.items.get(this.state.selector)?.[this.state.offset];
    if (byte === undefined) return 0;
    this.state.offset++;
    return byte;
  }
}

function buildItems({ cpus, maxCpus, files }: FwCfgContents): ReadonlyMap<number, Uint8Array> {
  const items = new Map<number, Uint8Array>([
    [KEY_SIGNATURE, ascii('QEMU')],
    [KEY_ID, littleEndian(ID_TRADITIONAL, 4)],
    [KEY_CPUS, littleEndian(cpus, 2)],
    [KEY_MAX_CPUS, littleEndian(maxCpus, 2)],
    [KEY_FILE_DIRECTORY, directory(files)],
  ]);
  for (const [index, file] of files.entries()) items.set(KEY_FIRST_FILE + index, file.data);
  return items;
}

/** FW-CFG "File Directory": a big-endian count, then one entry a file. */
function directory(files: readonly FwCfgFile[]): Uint8Array {
  checkFiles(files);
  const bytes = new Uint8Array(DIRECTORY_HEADER + DIRECTORY_ENTRY * files.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  files.forEach(({ name, data }, index) => {
    const at = DIRECTORY_HEADER + DIRECTORY_ENTRY * index;
    view.setUint32(at, data.length);
    view.setUint16(at + 4, KEY_FIRST_FILE + index);
    bytes.set(ascii(name), at + 8);
  });
  return bytes;
}

function checkFiles(files: readonly FwCfgFile[]): void {
  if (files.length > KEY_END - KEY_FIRST_FILE) throw new RangeError(`fw_cfg: ${files.length} files are too many`);
  const names = new Set<string>();
  for (const { name } of files) {
    if (!/^[\x21-\x7e]+$/.test(name) || name.length >= NAME_LENGTH) {
      throw new RangeError(`fw_cfg file "${name}": 1 to ${NAME_LENGTH - 1} printable ASCII characters expected`);
    }
    if (names.has(name)) throw new RangeError(`fw_cfg file "${name}": given twice`);
    names.add(name);
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function littleEndian(value: number, width: 2 | 4): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * width)) {
    throw new RangeError(`fw_cfg value ${hex(value)}: an integer of ${8 * width} bits expected`);
  }
  return Uint8Array.from({ length: width }, (_, i) => value >>> (8 * i));
}
