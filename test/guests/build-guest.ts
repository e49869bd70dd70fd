// SPDX-License-Identifier: BSD-2-Clause
/** Guests of our own for what a host processor cannot check: assembled from test/guests into flat Multiboot files. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Both programs run from the root of the checkout. */
const SOURCES = join(process.cwd(), 'test/guests');
const LOAD_ADDRESS = '0x100000';

export const guestNames: readonly string[] = readdirSync(SOURCES)
  .filter((file) => file.endsWith('.S'))
  .map((file) => basename(file, '.S'))
  .sort();

/** Whether binutils for x86 are here. */
export function canBuildGuests(): boolean {
  try {
    return process.arch === 'x64' && execFileSync('as', ['--version'], { encoding: 'utf8' }).includes('GNU');
  } catch {
    return false;
  }
}

/** A folder for built guests, and its removal. */
export class GuestBuilder {
  private readonly folder = mkdtempSync(join(tmpdir(), 'tsbhyve-guests-'));

  /** Path of the built guest. */
  build(name: string): string {
    const object = join(this.folder, `${name}.o`);
    const image = join(this.folder, name);
    execFileSync('as', ['--64', '-I', SOURCES, join(SOURCES, `${name}.S`), '-o', object]);
    execFileSync('ld', [
      ...['-m', 'elf_x86_64', '-N', `-Ttext=${LOAD_ADDRESS}`, '-e', LOAD_ADDRESS],
      ...['--oformat', 'binary', '--defsym=guest_end=_end', object, '-o', image],
    ]);
    return image;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export interface Expectation {
  readonly cpus: number;
  /** What processors print, by the manuals. */
  readonly manual: string;
  /** What QEMU prints, or why it is not asked. */
  readonly qemu: string | { readonly notAsked: string };
}

/**
 * Reads NAME.expected. A line `#cpus N` says how many the guest needs, if not one. A line `#qemu TEXT` stands before the line in whose place QEMU prints TEXT, a line `#qemu none: WHY`
 * for a guest that QEMU cannot run, and other lines that begin with # are comments.
 */
export function readExpectation(name: string): Expectation {
  const manual: string[] = [];
  const qemu: string[] = [];
  let instead: string | undefined;
  let notAsked: string | undefined;
  let cpus = 1;
  for (const line of readFileSync(join(SOURCES, `${name}.expected`), 'latin1').split('\n')) {
    if (line.startsWith('#qemu none: ')) {
      notAsked = line.slice('#qemu none: '.length);
    } else if (line.startsWith('#cpus ')) {
      cpus = Number(line.slice('#cpus '.length));
    } else if (line.startsWith('#qemu ')) {
      instead = line.slice('#qemu '.length);
    } else if (!line.startsWith('#')) {
      manual.push(line);
      qemu.push(instead ?? line);
      instead = undefined;
    }
  }
  return { cpus, manual: manual.join('\n'), qemu: notAsked === undefined ? qemu.join('\n') : { notAsked } };
}
