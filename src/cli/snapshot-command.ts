// SPDX-License-Identifier: BSD-2-Clause
/** `tsbhyve snapshot ...`: looks after the snapshots of a store. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { checkSnapshot } from '../snapshot/check-snapshot.js';
import { configFromRecord, recordFromConfig } from '../snapshot/config-record.js';
import { diffSnapshots } from '../snapshot/diff-snapshots.js';
import { flattenSnapshot } from '../snapshot/flatten-snapshot.js';
import { hostValues, type Overrides } from '../snapshot/overrides.js';
import { showSnapshot, valueText } from '../snapshot/show-snapshot.js';
import type { Following } from '../snapshot/steps.js';
import { SnapshotStore } from '../snapshot/store.js';
import { verifySnapshot } from '../snapshot/verify-snapshot.js';
import { type CommandOutput, followed, parseRows } from './command-rows.js';
import { setVariable } from './config-file.js';
import { ConfigTree } from './config-tree.js';
import { refuseContradictions } from './contradictions.js';
import { restoreOverrides } from './restore-overrides.js';
import { listText } from './snapshot-list.js';
import { defaultStore } from './store-folder.js';

/** What the shell is told: as diff(1), 1 means that something was found. */
const FOUND_NOTHING = 0;
const FOUND = 1;

type Print = CommandOutput['print'];

interface Call {
  readonly names: readonly string[];
  readonly settings: ConfigTree;
  /** For work that takes a while. */
  readonly following: Following;
}

type Action = (store: SnapshotStore, print: Print, call: Call) => number;

interface Row {
  /** The words after the name of the row. */
  readonly words: readonly string[];
  readonly about: string;
  /** Takes the settings that `-r` takes. */
  readonly overrides?: true;
  readonly run: Action;
}

const ROWS: Readonly<Record<string, Row>> = {
  ls: {
    words: [],
    about: 'list the snapshots',
    run: (store, print) => {
      print(listText(store.list()));
      return FOUND_NOTHING;
    },
  },
  show: { words: ['<name>'], about: 'print every field by name', run: show },
  diff: { words: ['<before>', '<after>'], about: 'print the fields and pages that differ', run: diff },
  verify: {
    words: ['<name>'],
    about: 'compare everything with its digests',
    run: (store, print, { names: [name = ''], following }) => {
      verifySnapshot(store, name, following);
      print(`${name}: whole\n`);
      return FOUND_NOTHING;
    },
  },
  check: {
    words: ['<name>'],
    about: 'find what would keep it from being resumed here, and list what belongs to the host',
    overrides: true,
    run: check,
  },
  flatten: {
    words: ['<name>', '<new>'],
    about: 'make one that needs no parent',
    run: (store, print, { names: [name = '', target = ''], following }) => {
      flattenSnapshot(store, name, target, following);
      print(`${target}: made from ${name}\n`);
      return FOUND_NOTHING;
    },
  },
  rm: {
    words: ['<names...>'],
    about: 'remove snapshots',
    run: (store, print, { names }) => {
      for (const name of names) {
        for (const path of store.remove(name)) {
          print(
            `${name}: disk ${path} is not there, and still keeps its content for it: see tsbhyve disk info where it is\n`,
          );
        }
      }
      return FOUND_NOTHING;
    },
  },
};

/** Answers with the process status. */
export function snapshotCommand(words: readonly string[], output: CommandOutput): number {
  let status = FOUND_NOTHING;
  const command = outer(output.print);
  for (const [name, { words: wanted, about, overrides, run }] of Object.entries(ROWS)) {
    const row = command.command([name, ...wanted].join(' ')).description(about);
    const settings = new ConfigTree();
    if (overrides === true)
      row.option('-o <setting>', 'set a variable: name=value').on('option:o', (setting: string) => {
        setVariable(settings, `-o ${setting}`, setting);
      });
    row.action(() => {
      const { store = defaultStore() } = command.opts<{ store?: string }>();
      const names = row.processedArgs.flat() as string[]; // commander gives words and lists of them
      followed(name, output, (print, following) => {
        status = run(new SnapshotStore(store), print, { names, settings, following });
      });
    });
  }
  parseRows(command, 'snapshot', words);
  return status;
}

function outer(print: Print): Command {
  return new Command('tsbhyve snapshot')
    .description('Looks after saved VMs.')
    .option('--store <folder>', `where they are (${defaultStore()})`)
    .helpCommand(false)
    .configureOutput({ writeOut: print, writeErr: () => {} })
    .exitOverride();
}

function show(store: SnapshotStore, print: Print, { names: [name = ''] }: Call): number {
  const lines = showSnapshot(store.open(name)).map(({ path, value, unit, doc }) => {
    const note = doc === undefined ? '' : `  # ${doc}`;
    return `${path} = ${valueText(value)}${unit === undefined ? '' : ` ${unit}`}${note}\n`;
  });
  print(lines.join(''));
  return FOUND_NOTHING;
}

function diff(store: SnapshotStore, print: Print, { names: [before = '', after = ''] }: Call): number {
  const { fields, pages } = diffSnapshots(store, before, after);
  for (const { path, before: was, after: is, bits } of fields) {
    print(`${path}: ${was ?? 'absent'} -> ${is ?? 'absent'}${bits === undefined ? '' : ` (${bits})`}\n`);
  }
  for (const { first, count } of pages) {
    print(count === 1 ? `page ${first}\n` : `pages ${first} to ${first + count - 1}\n`);
  }
  return fields.length + pages.length === 0 ? FOUND_NOTHING : FOUND;
}

function check(store: SnapshotStore, print: Print, { names: [name = ''], settings }: Call): number {
  const entry = store.list().find((candidate) => candidate.name === name);
  let overrides: Overrides = {};
  if (entry !== undefined && 'snapshot' in entry) {
    const { machine } = entry.snapshot.manifest;
    const saved = configFromRecord(machine);
    refuseContradictions(settings, name, saved);
    overrides = restoreOverrides(settings, name, machine);
    for (const { variable, value } of hostValues(recordFromConfig({ ...saved, ...overrides }))) {
      print(`${variable} = ${value}${existsSync(value) ? '' : ' (not there)'}; -o ${variable}=... replaces it\n`);
    }
  }
  const blockers = checkSnapshot(store, name, overrides);
  for (const { path, problem, remedy } of blockers) print(`${path}: ${problem}: ${remedy}\n`);
  if (blockers.length === 0) print(`${name}: can be resumed here\n`);
  return blockers.length === 0 ? FOUND_NOTHING : FOUND;
}
