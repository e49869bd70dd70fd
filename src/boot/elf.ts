// SPDX-License-Identifier: BSD-2-Clause
/**
 * ELF32 and ELF64 executables for x86: header, program headers, loadable segments, notes.
 * Reference: System V gABI chapters 4 and 5. Sections, relocations and dynamic linking are not read.
 */
import { alignUp, hex } from '../core/bits.js';
import { BootError } from './boot-error.js';
import type { PlannedWrite } from './boot-plan.js';
import { ImageReader } from './image-reader.js';

const ELF_MAGIC = 0x464c457f;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_386 = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_NOTE = 4;
const MAX_PROGRAM_HEADERS = 256;

export interface ElfSegment {
  readonly type: number;
  readonly offset: number;
  readonly physicalAddress: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
}

export interface Elf {
  readonly is64: boolean;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly image: ImageReader;
}

export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new ImageReader('', bytes).u32(0, 'magic') === ELF_MAGIC;
}

export function parseElf(name: string, bytes: Uint8Array): Elf {
  const image = new ImageReader(name, bytes);
  expectOneOf(image, 'ELF magic', image.u32(0, 'ELF magic'), [ELF_MAGIC]);
  const elfClass = image.u8(4, 'EI_CLASS');
  expectOneOf(image, 'EI_CLASS', elfClass, [ELFCLASS32, ELFCLASS64]);
  expectOneOf(image, 'EI_DATA', image.u8(5, 'EI_DATA'), [ELFDATA2LSB]);
  expectOneOf(image, 'e_type', image.u16(16, 'e_type'), [ET_EXEC, ET_DYN]);
  expectOneOf(image, 'e_machine', image.u16(18, 'e_machine'), [EM_386, EM_X86_64]);

  const is64 = elfClass === ELFCLASS64;
  const entry = is64
    ? BigInt(image.u32(24, 'e_entry')) | (BigInt(image.u32(28, 'e_entry')) << 32n)
    : BigInt(image.u32(24, 'e_entry'));
  return { is64, entry, segments: is64 ? programHeaders64(image) : programHeaders32(image), image };
}

/** The loadable segments as writes at their physical addresses. */
export function loadableWrites(elf: Elf): PlannedWrite[] {
  const loads = elf.segments.filter((segment) => segment.type === PT_LOAD && segment.memorySize > 0);
  if (loads.length === 0) {
    throw new BootError(elf.image.name, 'the ELF file has no PT_LOAD segment, so there is nothing to load');
  }
  return loads.map((segment, index) => {
    const what = `ELF segment ${index}`;
    if (segment.fileSize > segment.memorySize) {
      throw new BootError(
        elf.image.name,
        `${what} has p_filesz ${hex(segment.fileSize)}, at most its p_memsz ${hex(segment.memorySize)} is accepted`,
      );
    }
    return {
      what,
      address: segment.physicalAddress,
      bytes: elf.image.slice(segment.offset, segment.fileSize, what),
      size: segment.memorySize,
    };
  });
}

/** The first note with this owner and type in any PT_NOTE segment. */
export function findNote(elf: Elf, owner: string, type: number): ElfNote | undefined {
  for (const segment of elf.segments) {
    if (segment.type === PT_NOTE) {
      for (const note of notes(elf.image, segment)) {
        if (note.owner === owner && note.type === type) {
          return note;
        }
      }
    }
  }
  return undefined;
}

/** gABI 5, "Note Section": three words, then name and description, each padded to the segment's alignment. */
function* notes(image: ImageReader, segment: ElfSegment): Generator<ElfNote> {
  const align = segment.align === 8 ? 8 : 4;
  const end = segment.offset + segment.fileSize;
  image.slice(segment.offset, segment.fileSize, 'note segment');
  let at = segment.offset;
  while (at + 12 <= end) {
    const nameSize = image.u32(at, 'note name size');
    const descriptionSize = image.u32(at + 4, 'note description size');
    const type = image.u32(at + 8, 'note type');
    const nameAt = at + 12;
    const descriptionAt = at + alignUp(12 + nameSize, align);
    at = descriptionAt + alignUp(descriptionSize, align);
    const name = Buffer.from(image.slice(nameAt, nameSize, 'note name')).toString('latin1');
    yield {
      owner: name.replace(/\0.*$/s, ''),
      type,
      description: image.slice(descriptionAt, descriptionSize, 'note description'),
    };
  }
}

function programHeaders64(image: ImageReader): ElfSegment[] {
  const table = image.u64(32, 'e_phoff');
  return entries(image, image.u16(54, 'e_phentsize'), 56, image.u16(56, 'e_phnum')).map((offset) => {
    const at = table + offset;
    return {
      type: image.u32(at, 'p_type'),
      offset: image.u64(at + 8, 'p_offset'),
      physicalAddress: image.u64(at + 24, 'p_paddr'),
      fileSize: image.u64(at + 32, 'p_filesz'),
      memorySize: image.u64(at + 40, 'p_memsz'),
      align: image.u64(at + 48, 'p_align'),
    };
  });
}

function programHeaders32(image: ImageReader): ElfSegment[] {
  const table = image.u32(28, 'e_phoff');
  return entries(image, image.u16(42, 'e_phentsize'), 32, image.u16(44, 'e_phnum')).map((offset) => {
    const at = table + offset;
    return {
      type: image.u32(at, 'p_type'),
      offset: image.u32(at + 4, 'p_offset'),
      physicalAddress: image.u32(at + 12, 'p_paddr'),
      fileSize: image.u32(at + 16, 'p_filesz'),
      memorySize: image.u32(at + 20, 'p_memsz'),
      align: image.u32(at + 28, 'p_align'),
    };
  });
}

function entries(image: ImageReader, entrySize: number, smallest: number, count: number): number[] {
  if (count === 0 || count > MAX_PROGRAM_HEADERS) {
    throw new BootError(image.name, `e_phnum is ${count}, accepted are 1 to ${MAX_PROGRAM_HEADERS}`);
  }
  if (entrySize < smallest) {
    throw new BootError(image.name, `e_phentsize is ${entrySize}, at least ${smallest} is accepted`);
  }
  return Array.from({ length: count }, (_, index) => index * entrySize);
}

function expectOneOf(image: ImageReader, what: string, value: number, accepted: readonly number[]): void {
  if (!accepted.includes(value)) {
    throw new BootError(
      image.name,
      `${what} is ${hex(value)}, accepted: ${accepted.map((one) => hex(one)).join(' or ')}`,
    );
  }
}
