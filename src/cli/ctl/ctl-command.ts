// SPDX-License-Identifier: BSD-2-Clause
/** tsbhyvectl from its words to its exit status: 0, or 1 with one line that says what was refused or failed. */
import { Command, CommanderError, Option } from 'commander';
import { ControlClient } from './control-client.js';
import { CtlError } from './ctl-error.js';
import { REGISTER_OPTIONS, type RegisterOption } from './register-options.js';
import { type SaveChoices, showRegisters, VERBS, type VerbOutput } from './verbs.js';

export interface CtlOutput extends VerbOutput {
  readonly complain: (text: string) => void;
  readonly say: (text: string) => void;
}

type Step =
  | { readonly verb: (typeof VERBS)[number]; readonly value: string }
  | { readonly registers: RegisterOption[] };

interface Words {
  /** In the order in which they were given; registers side by side are one step. */
  readonly steps: Step[];
  vm?: string;
  cpu?: number;
  parent?: string;
  live?: boolean;
  suspendAll?: boolean;
  command?: string;
}

const OTHER_COMMANDS = ['list', 'console'];

export async function ctl(words: readonly string[], output: CtlOutput): Promise<number> {
  try {
    return await run(parse(words, output), output);
  } catch (error) {
    const { name, message, stack } = error as Error;
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const usage =
      error instanceof CommanderError ? `${message.replace(/^error: /, '')}; -h lists what is accepted` : null;
    const expected = ['CtlError', 'UsageError', 'HostError', 'HypervisorError'].includes(name);
    output.complain(usage ?? (expected ? message : `${stack ?? message}`));
    return 1;
  }
}

async function run(words: Words, output: CtlOutput): Promise<number> {
  const { command, steps, vm } = words;
  const asked = steps.length + (command === undefined ? 0 : 1) + (words.suspendAll === true ? 1 : 0);
  if (asked === 0) throw new CtlError('nothing to do; -h lists what is accepted');
  if (asked > 1 && (command !== undefined || words.suspendAll === true)) {
    throw new CtlError(`${command ?? '--suspend-all'}: goes with no other command`);
  }
  if (command === 'list' || words.suspendAll === true) {
    if (vm !== undefined) throw new CtlError(`--vm=${vm}: ${command ?? '--suspend-all'} is for all VMs`);
    const { listVms, suspendAll } = await import('./all-vms.js');
    if (words.suspendAll === true) return (await suspendAll(output)) ? 0 : 1;
    output.print(await listVms());
    return 0;
  }
  if (vm === undefined) throw new CtlError('--vm=NAME is missing; tsbhyvectl list shows which VMs run');
  const client = new ControlClient(vm);
  if (command === 'console') {
    const { attach } = await import('./attach.js');
    await attach(client, { say: output.say });
    return 0;
  }
  await runSteps(client, words, output);
  return 0;
}

async function runSteps(
  client: ControlClient,
  { steps, parent, live, cpu = 0 }: Words,
  output: CtlOutput,
): Promise<void> {
  const choices: SaveChoices = { ...(parent !== undefined && { parent }), ...(live !== undefined && { live }) };
  for (const step of steps) {
    if ('registers' in step) await showRegisters({ client, output, cpu }, step.registers);
    else await step.verb.run({ client, output, choices, cpu, value: step.value });
  }
}

function parse(words: readonly string[], output: CtlOutput): Words {
  const parsed: Words = { steps: [] };
  const command = new Command('tsbhyvectl')
    .description('Controls running VMs.')
    .argument('[command]', 'list: the running VMs; console: attach to the VM’s detached console, Ctrl-A x leaves it')
    .configureOutput({ writeOut: output.print, writeErr: () => {} })
    .helpOption('-h, --help', 'this page')
    .addHelpText('after', `\n--get-NAME shows one register or group: ${groupNames()}, rip, cr3, cs-base ...`)
    .showSuggestionAfterError(false)
    .exitOverride()
    .action((word?: string) => {
      if (word === undefined) return;
      if (!OTHER_COMMANDS.includes(word)) throw new CtlError(`'${word}'; accepted are ${OTHER_COMMANDS.join(', ')}`);
      parsed.command = word;
    });
  const add = (flags: string, about: string, apply: (value: string) => void, hidden = false): void => {
    const option = new Option(flags, about).hideHelp(hidden);
    command.addOption(option);
    command.on(`option:${option.name()}`, (value?: string | null) => apply(value ?? ''));
  };
  add('--vm <name>', 'the VM', (value) => (parsed.vm = value));
  add('--cpu <number>', 'whose registers are shown (0)', (value) => (parsed.cpu = cpuNumber(value)));
  for (const verb of VERBS) add(verb.flags, verb.about, (value) => parsed.steps.push({ verb, value }));
  add(
    '--parent <name>',
    'with --checkpoint: save only what changed since this snapshot',
    (value) => (parsed.parent = value),
  );
  add('--live', 'with --checkpoint: copy memory while the guest runs; the default', () => chooseLive(parsed, true));
  add('--stopped', 'with --checkpoint: the guest stands still meanwhile', () => chooseLive(parsed, false));
  add('--suspend-all', 'suspend all running VMs', () => (parsed.suspendAll = true));
  for (const option of REGISTER_OPTIONS) add(`--get-${option.word}`, '', () => addRegister(parsed.steps, option), true);
  command.parse(words.length === 0 ? ['--help'] : words, { from: 'user' });
  return parsed;
}

function cpuNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new CtlError(`--cpu: '${text}' is no number of a vCPU; the first is 0`);
  return Number(text);
}

function chooseLive(parsed: Words, live: boolean): void {
  if (parsed.live === !live) throw new CtlError('--live and --stopped: give one of the two');
  parsed.live = live;
}

function addRegister(steps: Step[], option: RegisterOption): void {
  const last = steps.at(-1);
  if (last !== undefined && 'registers' in last) last.registers.push(option);
  else steps.push({ registers: [option] });
}

function groupNames(): string {
  return REGISTER_OPTIONS.flatMap(({ word, register }) => (register === null ? [word] : [])).join(', ');
}
