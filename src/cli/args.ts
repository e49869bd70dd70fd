// SPDX-License-Identifier: BSD-2-Clause
/** Command-line words to a configuration tree, or to the text of a help page. */
import { Command, CommanderError, Option } from 'commander';
import { engineHelp } from '../hypervisor/engine-help.js';
import { ConfigTree } from './config-tree.js';
import { lpcHelp } from './lpc-devices.js';
import { OPTIONS } from './options.js';
import { pciHelp } from './pci-devices.js';
import { REFUSED_OPTIONS } from './refused-options.js';
import { UsageError } from './usage-error.js';

export type CommandLine =
  | { readonly kind: 'run'; readonly tree: ConfigTree }
  | { readonly kind: 'print'; readonly text: string };

/** Thrown out of the middle of parsing: from `-s help` on nothing else matters. */
class HelpAsked {
  constructor(readonly text: string) {}
}

const HELP_PAGES: Readonly<Record<string, () => string>> = {
  '-s': pciHelp,
  '-l': lpcHelp,
  '--engine': () => engineHelp(),
};

export function parseArguments(words: readonly string[]): CommandLine {
  const tree = new ConfigTree();
  try {
    buildCommand(tree).parse(words, { from: 'user' });
  } catch (error) {
    if (error instanceof HelpAsked) return { kind: 'print', text: error.text };
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError('command line', `${error.message.replace(/^error: /, '')}; -h lists what is accepted`);
  }
  if (tree.bool('config.dump', false)) return { kind: 'print', text: tree.dump() };
  return { kind: 'run', tree };
}

function buildCommand(tree: ConfigTree): Command {
  const command = new Command('tsbhyve')
    .description('Runs a virtual machine.')
    .argument('[name]', 'name of the VM')
    .helpOption(false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
    .action((name?: string) => {
      if (name !== undefined) tree.set('name', name);
    });
  const add = (flags: string, about: string, apply: (value: string) => void, hidden = false): void => {
    const option = new Option(flags, about).hideHelp(hidden);
    command.addOption(option);
    command.on(`option:${option.name()}`, (value?: string | null) => apply(value ?? ''));
  };
  for (const { flags, about, apply } of OPTIONS) {
    const help = HELP_PAGES[flags.split(' ', 1)[0] ?? ''];
    add(flags, about, (value) => {
      if (help !== undefined && value === 'help') throw new HelpAsked(help());
      apply(tree, value);
    });
  }
  for (const { flags, what } of REFUSED_OPTIONS) {
    add(flags, what, () => refuse(flags, what), true);
  }
  add('-h, --help', 'this page', () => {
    throw new HelpAsked(command.helpInformation());
  });
  return command;
}

function refuse(flags: string, what: string): never {
  throw new UsageError(flags.split(' ', 1)[0] ?? flags, `${what}: not there yet`);
}
