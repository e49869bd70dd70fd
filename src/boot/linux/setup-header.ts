// SPDX-License-Identifier: BSD-2-Clause
/**
 * The setup header of a Linux bzImage. Reference: Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header".
 * Kernels older than protocol 2.06 (Linux 2.6.22) and zImages loaded below 1 MiB are refused.
 */
import { BootError } from '../boot-error.js';
import { ImageReader } from '../image-reader.js';

const BOOT_FLAG = 0xaa55;
const HEADER_MAGIC = 0x53726448; // "HdrS"
const OLDEST_PROTOCOL = 0x0206;
const LOADFLAG_LOADED_HIGH = 0x01;
const XLF_KERNEL_64 = 0x01;
const HEADER_START = 0x1f1;
const SECTOR = 512;
const DEFAULT_LOAD_ADDRESS = 0x100000;

export interface SetupHeader {
  /** The header as found in the file; it belongs at the same offset of boot_params. */
  readonly bytes: Uint8Array;
  readonly has64BitEntry: boolean;
  readonly initrdAddressMax: number;
  readonly commandLineMax: number;
  readonly loadAddress: number;
  /** Memory the kernel needs from its load address on before it can look at the memory map. */
  readonly initSize: number;
  readonly protectedModeCode: Uint8Array;
  /** The compressed kernel inside the protected-mode code, if the header tells where it is. */
  readonly payload: Uint8Array | null;
}

export function isBzImage(bytes: Uint8Array): boolean {
  const image = new ImageReader('', bytes);
  return (
    bytes.length >= 0x206 && image.u16(0x1fe, 'boot_flag') === BOOT_FLAG && image.u32(0x202, 'header') === HEADER_MAGIC
  );
}

export function parseSetupHeader(name: string, bytes: Uint8Array): SetupHeader {
  const image = new ImageReader(name, bytes);
  const version = image.u16(0x206, 'boot protocol version');
  if (version < OLDEST_PROTOCOL) {
    throw new BootError(
      name,
      `boot protocol ${protocolName(version)}, at least ${protocolName(OLDEST_PROTOCOL)} is accepted`,
    );
  }
  const loadflags = image.u8(0x211, 'loadflags');
  if ((loadflags & LOADFLAG_LOADED_HIGH) === 0) {
    throw new BootError(
      name,
      `loadflags is 0x${loadflags.toString(16)}, only kernels with LOADED_HIGH (bit 0) are accepted`,
    );
  }

  // 0x201 is the offset byte of the jump over the header, which thus gives the header's end.
  const headerEnd = 0x202 + image.u8(0x201, 'setup header length');
  const setupSize = ((image.u8(0x1f1, 'setup_sects') || 4) + 1) * SECTOR;
  const codeSize = image.u32(0x1f4, 'syssize') * 16;
  const present = image.length - setupSize;
  if (codeSize - present >= 16) {
    throw new BootError(
      name,
      `syssize announces ${codeSize} bytes of kernel, the file has ${Math.max(0, present)}: it is cut short`,
    );
  }
  const protectedModeCode = image.slice(setupSize, Math.min(codeSize, present), 'protected-mode kernel');

  const knowsPlacement = version >= 0x020a;
  return {
    bytes: image.slice(HEADER_START, headerEnd - HEADER_START, 'setup header'),
    has64BitEntry: version >= 0x020c && (image.u16(0x236, 'xloadflags') & XLF_KERNEL_64) !== 0,
    initrdAddressMax: image.u32(0x22c, 'initrd_addr_max'),
    commandLineMax: image.u32(0x238, 'cmdline_size'),
    loadAddress: knowsPlacement ? image.u64(0x258, 'pref_address') : DEFAULT_LOAD_ADDRESS,
    initSize: Math.max(protectedModeCode.length, knowsPlacement ? image.u32(0x260, 'init_size') : 0),
    protectedModeCode,
    payload: version >= 0x0208 ? payload(image, setupSize) : null,
  };
}

function payload(image: ImageReader, setupSize: number): Uint8Array | null {
  const length = image.u32(0x24c, 'payload_length');
  return length === 0 ? null : image.slice(setupSize + image.u32(0x248, 'payload_offset'), length, 'compressed kernel');
}

function protocolName(version: number): string {
  return `${version >> 8}.${(version & 0xff).toString().padStart(2, '0')}`;
}
