// SPDX-License-Identifier: BSD-2-Clause
/** `tsbhyve disk ...`: looks after the layers of disk images. */
import { basename } from 'node:path';
import { Command } from 'commander';
import type { DiskFollowing, FrozenPoint } from '../host/disk/layers/api.js';
import { commitDisk } from '../host/disk/layers/commit-disk.js';
import { exportDisk } from '../host/disk/layers/export-disk.js';
import { LayerFolder } from '../host/disk/layers/folder.js';
import { inspectDisk } from '../host/disk/layers/inspect.js';
import { readPins } from '../host/disk/layers/pins.js';
import { acceptChanges, moveBase } from '../host/disk/layers/rebase-disk.js';
import { dropFrom, findStray, recallStray } from '../host/disk/layers/strays.js';
import { type CommandOutput, followed, parseRows } from './command-rows.js';
import { diskText } from './disk-text.js';
import { UsageError } from './usage-error.js';

interface Options {
  readonly json?: boolean;
  readonly accept?: boolean;
  readonly base?: string;
  readonly snapshot?: string;
  readonly stray?: string;
}

interface Call {
  /** The image, and what comes after it. */
  readonly names: readonly string[];
  readonly options: Options;
  readonly print: (text: string) => void;
  /** For work that takes a while. */
  readonly following: DiskFollowing;
}

interface Row {
  readonly words: readonly string[];
  readonly about: string;
  readonly options?: readonly (readonly [flags: string, about: string])[];
  readonly run: (call: Call) => void;
}

const ROWS: Readonly<Record<string, Row>> = {
  info: {
    words: ['<image>'],
    about: 'list its layers, and the snapshots that need them',
    options: [['--json', 'for programs']],
    run: ({ names: [image = ''], options, print }) => {
      const info = inspectDisk(image);
      print(options.json === true ? `${JSON.stringify(info, null, 2)}\n` : diskText(info));
    },
  },
  commit: {
    words: ['<image>'],
    about: 'write the layers into the image, which is one plain file then',
    run: ({ names: [image = ''], print, following }) => {
      commitDisk(image, following);
      print(`${image}: flat\n`);
    },
  },
  rebase: {
    words: ['<image>'],
    about: 'accept files that were changed, or an image that was moved',
    options: [
      ['--accept', 'what the files hold now is what they have to hold'],
      ['--base <new>', 'the image lies there now'],
    ],
    run: rebase,
  },
  export: {
    words: ['<image>', '<out>'],
    about: 'make a plain image of it, now or as a snapshot has it',
    options: [
      ['--snapshot <name>', 'as this snapshot has it'],
      ['--stray <id>', 'as it was set aside by a restore'],
    ],
    run: ({ names: [image = '', out = ''], options, print, following }) => {
      exportDisk(image, out, chosenPoint(image, options), following);
      print(`${out}: made from ${image}\n`);
    },
  },
  recall: {
    words: ['<image>', '<stray>'],
    about: 'go on from what a restore has set aside',
    run: ({ names: [image = '', id = ''], print }) => {
      const other = recallStray(image, id);
      print(`${image}: goes on from ${id}\n`);
      if (other !== null) print(`${image}: what it held is set aside as ${other.id}\n`);
    },
  },
  drop: {
    words: ['<image>', '<name>'],
    about: 'remove what a restore has set aside, a clone, or what a lost snapshot needed or claimed',
    run: ({ names: [image = '', name = ''], print }) => print(`${image}: removed ${dropFrom(image, name)}\n`),
  },
};

/** Answers with the process status. */
export function diskCommand(words: readonly string[], output: CommandOutput): number {
  const command = new Command('tsbhyve disk')
    .description('Looks after the layers of disk images.')
    .helpCommand(false)
    .showSuggestionAfterError(false) // an error is one line
    .configureOutput({ writeOut: output.print, writeErr: () => {} })
    .exitOverride();
  for (const [name, { words: wanted, about, options = [], run }] of Object.entries(ROWS)) {
    const row = command.command([name, ...wanted].join(' ')).description(about);
    for (const [flags, explanation] of options) row.option(flags, explanation);
    row.action(() => {
      const names = row.processedArgs as string[]; // no row takes a list
      followed(name, output, (print, following) => run({ names, options: row.opts<Options>(), print, following }));
    });
  }
  parseRows(command, 'disk', words);
  return 0;
}

function rebase({ names: [image = ''], options: { accept = false, base }, print }: Call): void {
  if (!accept && base === undefined) throw new UsageError('disk rebase', 'give --accept, or --base NEW, or both');
  const accepted = base === undefined ? acceptChanges(image) : moveBase(image, base, accept);
  if (base !== undefined) print(`${base}: has the layers of ${image} now\n`);
  if (accepted.length > 0) print(`${base ?? image}: accepted ${accepted.join(', ')}\n`);
  else if (accept) print(`${base ?? image}: nothing was changed\n`);
}

function chosenPoint(image: string, { snapshot, stray }: Options): FrozenPoint | null {
  if (snapshot !== undefined && stray !== undefined) {
    throw new UsageError('disk export', 'give --snapshot or --stray, not both');
  }
  if (snapshot === undefined && stray === undefined) return null;
  const folder = new LayerFolder(image);
  if (stray !== undefined) {
    const found = findStray(folder, stray);
    if (found === null)
      throw folder.error(`nothing that was set aside is called '${stray}'; tsbhyve disk info lists it`);
    return found.point;
  }
  const pins = readPins(folder).filter((pin) => pin.id === snapshot || basename(pin.path) === snapshot);
  const [pin] = pins;
  if (pin === undefined)
    throw folder.error(`no snapshot '${snapshot}' needs it; tsbhyve disk info lists those that do`);
  if (pins.length > 1) {
    throw folder.error(
      `several snapshots are called '${snapshot}': give the id, one of ${pins.map(({ id }) => id).join(', ')}`,
    );
  }
  return pin.point;
}
