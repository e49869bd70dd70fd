// SPDX-License-Identifier: BSD-2-Clause
/** The SMBIOS structures of a virtual machine. Reference: DMTF DSP0134 3.0, section 7; citations give its subsections. */
import { BootError } from './boot-error.js';
import { HIGHMEM_BASE, type RamLayout } from './memory-map.js';
import { joinBytes, Struct } from './struct.js';

export interface SmbiosStrings {
  readonly biosVendor: string;
  readonly biosVersion: string;
  /** mm/dd/yyyy */
  readonly biosDate: string;
  readonly manufacturer: string;
  readonly product: string;
  readonly version: string;
  readonly serial: string;
  readonly sku: string;
  readonly family: string;
}

export interface SmbiosOptions {
  readonly uuid: string;
  readonly ram: RamLayout;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
  readonly strings?: Partial<SmbiosStrings>;
}

// The date stays before 2015: from then on Linux drives RTC alarms through ACPI alone, and no RTC
// event is wired to our PM1 block.
const DEFAULT_STRINGS: SmbiosStrings = {
  biosVendor: 'tsbhyve',
  biosVersion: '1.0',
  biosDate: '01/01/2014',
  manufacturer: 'tsbhyve',
  product: 'Virtual Machine',
  version: '1.0',
  serial: '',
  sku: '',
  family: 'Virtual Machine',
};

const MIB = 0x100000;
const HANDLE = { bios: 0x00, system: 0x100, board: 0x200, chassis: 0x300, cpu: 0x400, array: 0x1000, dimm: 0x1100 };
const HANDLE_MAPPED = 0x1300;
const HANDLE_BOOT = 0x2000;
const HANDLE_END = 0x7f00;
const NO_HANDLE = 0xffff;
const UNKNOWN = 2;
const OTHER = 1;
const LARGEST_DIMM_MIB = 0x7fff;

export function smbiosStructures(options: SmbiosOptions): Uint8Array[] {
  const strings = { ...DEFAULT_STRINGS, ...options.strings };
  const size = options.ram.low + options.ram.high;
  return [
    bios(strings),
    system(strings, options.uuid),
    baseboard(strings),
    chassis(strings),
    ...Array.from({ length: options.sockets }, (_, socket) => processor(socket, options)),
    memoryArray(size),
    memoryDevice(size),
    mappedAddress(0, 0, options.ram.low),
    ...(options.ram.high > 0 ? [mappedAddress(1, HIGHMEM_BASE, options.ram.high)] : []),
    structure(32, HANDLE_BOOT, new Struct(0x14)), // 7.33: no errors detected
    structure(127, HANDLE_END, new Struct(4)),
  ];
}

/** 7.1. Characteristics bit 3 says the rest is not given; extension byte 2 says it is a virtual machine. */
function bios(strings: SmbiosStrings): Uint8Array {
  const VIRTUAL_MACHINE = 0x10;
  const TARGETED_CONTENT = 0x04;
  const text = new StringSet();
  const body = new Struct(0x18)
    .u8(4, text.add(strings.biosVendor))
    .u8(5, text.add(strings.biosVersion))
    .u16(6, 0xf000)
    .u8(8, text.add(strings.biosDate))
    .u64(0x0a, 0x08)
    .u8(0x13, VIRTUAL_MACHINE | TARGETED_CONTENT)
    .u8(0x14, 1) // release 1.0
    .u8(0x16, 0xff) // no embedded controller
    .u8(0x17, 0xff);
  return structure(0, HANDLE.bios, body, text);
}

/** 7.2 */
function system(strings: SmbiosStrings, uuid: string): Uint8Array {
  const POWER_SWITCH = 6;
  const text = new StringSet();
  const body = new Struct(0x1b)
    .u8(4, text.add(strings.manufacturer))
    .u8(5, text.add(strings.product))
    .u8(6, text.add(strings.version))
    .u8(7, text.add(strings.serial))
    .put(8, uuidBytes(uuid))
    .u8(0x18, POWER_SWITCH)
    .u8(0x19, text.add(strings.sku))
    .u8(0x1a, text.add(strings.family));
  return structure(1, HANDLE.system, body, text);
}

/** 7.3 */
function baseboard(strings: SmbiosStrings): Uint8Array {
  const HOSTING_BOARD = 0x01;
  const MOTHERBOARD = 0x0a;
  const text = new StringSet();
  const body = new Struct(0x0f)
    .u8(4, text.add(strings.manufacturer))
    .u8(5, text.add(strings.product))
    .u8(6, text.add(strings.version))
    .u8(7, text.add(strings.serial))
    .u8(9, HOSTING_BOARD)
    .u16(0x0b, HANDLE.chassis)
    .u8(0x0d, MOTHERBOARD);
  return structure(2, HANDLE.board, body, text);
}

/** 7.4 */
function chassis(strings: SmbiosStrings): Uint8Array {
  const SAFE = 3;
  const text = new StringSet();
  const body = new Struct(0x15)
    .u8(4, text.add(strings.manufacturer))
    .u8(5, OTHER)
    .u8(6, text.add(strings.version))
    .u8(7, text.add(strings.serial))
    .u8(9, SAFE)
    .u8(0x0a, SAFE)
    .u8(0x0b, SAFE)
    .u8(0x0c, UNKNOWN);
  return structure(3, HANDLE.chassis, body, text);
}

/** 7.5 */
function processor(socket: number, { coresPerSocket, threadsPerCore }: SmbiosOptions): Uint8Array {
  const CENTRAL_PROCESSOR = 3;
  const POPULATED_ENABLED = 0x41;
  const CAPABLE_OF_64_BIT = 0x04;
  const threads = coresPerSocket * threadsPerCore;
  const text = new StringSet();
  const body = new Struct(0x30)
    .u8(4, text.add(`CPU ${socket}`))
    .u8(5, CENTRAL_PROCESSOR)
    .u8(6, UNKNOWN)
    .u8(0x18, POPULATED_ENABLED)
    .u8(0x19, UNKNOWN)
    .u16(0x1a, NO_HANDLE) // no cache handles
    .u16(0x1c, NO_HANDLE)
    .u16(0x1e, NO_HANDLE)
    .u8(0x23, Math.min(coresPerSocket, 0xff))
    .u8(0x24, Math.min(coresPerSocket, 0xff))
    .u8(0x25, Math.min(threads, 0xff))
    .u16(0x26, CAPABLE_OF_64_BIT)
    .u16(0x28, UNKNOWN)
    .u16(0x2a, coresPerSocket)
    .u16(0x2c, coresPerSocket)
    .u16(0x2e, threads);
  return structure(4, HANDLE.cpu + socket, body, text);
}

/** 7.17. The capacity is in KiB; 0x80000000 sends the reader to the extended field, in bytes. */
function memoryArray(size: number): Uint8Array {
  const SYSTEM_BOARD = 3;
  const SYSTEM_MEMORY = 3;
  const MULTI_BIT_ECC = 6;
  const kib = size / 1024;
  const body = new Struct(0x17)
    .u8(4, SYSTEM_BOARD)
    .u8(5, SYSTEM_MEMORY)
    .u8(6, MULTI_BIT_ECC)
    .u32(7, Math.min(kib, 0x80000000))
    .u16(0x0b, 0xfffe) // error information not provided
    .u16(0x0d, 1)
    .u64(0x0f, kib < 0x80000000 ? 0 : size);
  return structure(16, HANDLE.array, body);
}

/** 7.18. Sizes from 32 GiB - 1 MiB on go into the extended field. */
function memoryDevice(size: number): Uint8Array {
  const DIMM = 9;
  const RAM = 7;
  const mib = Math.floor(size / MIB);
  const text = new StringSet();
  const body = new Struct(0x28)
    .u16(4, HANDLE.array)
    .u16(6, 0xfffe)
    .u16(8, 64)
    .u16(0x0a, 64)
    .u16(0x0c, Math.min(mib, LARGEST_DIMM_MIB))
    .u8(0x0e, DIMM)
    .u8(0x10, text.add('DIMM 0'))
    .u8(0x12, RAM)
    .u16(0x13, 1 << UNKNOWN)
    .u32(0x1c, mib < LARGEST_DIMM_MIB ? 0 : mib);
  return structure(17, HANDLE.dimm, body, text);
}

/** 7.20. Addresses are in KiB and the end is inclusive; all ones send the reader to the extended fields. */
function mappedAddress(index: number, base: number, size: number): Uint8Array {
  const last = base + size - 1;
  const fits = last < 0xffffffff * 1024;
  const body = new Struct(0x1f)
    .u32(4, fits ? base / 1024 : 0xffffffff)
    .u32(8, fits ? Math.floor(last / 1024) : 0xffffffff)
    .u16(0x0c, HANDLE.array)
    .u8(0x0e, 1)
    .u64(0x0f, fits ? 0 : base)
    .u64(0x17, fits ? 0 : last);
  return structure(19, HANDLE_MAPPED + index, body);
}

/** 6.1: the formatted area, then its strings. */
function structure(type: number, handle: number, body: Struct, strings = new StringSet()): Uint8Array {
  body.u8(0, type).u8(1, body.bytes.length).u16(2, handle);
  return joinBytes(body.bytes, strings.bytes());
}

/** 6.1.3: strings are numbered from 1, each and the whole set ended by a zero; number 0 is "not specified". */
class StringSet {
  private readonly strings: string[] = [];

  add(text: string): number {
    if (!/^[\x20-\x7e]{0,64}$/.test(text)) {
      throw new BootError('SMBIOS', `string ${JSON.stringify(text)}; accepted are up to 64 printable ASCII characters`);
    }
    return text === '' ? 0 : this.strings.push(text);
  }

  bytes(): Uint8Array {
    const text = this.strings.length === 0 ? '\0' : this.strings.map((string) => `${string}\0`).join('');
    return Buffer.from(`${text}\0`, 'latin1');
  }
}

/** 7.2.1: the first three groups are little-endian. */
function uuidBytes(uuid: string): Uint8Array {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) {
    throw new BootError(
      'SMBIOS',
      `UUID ${JSON.stringify(uuid)}; accepted is xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx in hex`,
    );
  }
  const raw = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  const swapped = [3, 2, 1, 0, 5, 4, 7, 6].map((from) => raw[from] ?? 0);
  return Uint8Array.from([...swapped, ...raw.subarray(8)]);
}
