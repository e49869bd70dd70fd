// SPDX-License-Identifier: BSD-2-Clause
/** What tsbhyvectl can do to one VM: bhyvectl's verbs with bhyvectl's meanings, then our own. */
import { basename, dirname, resolve } from 'node:path';
import { byteCount } from '../../core/byte-count.js';
import type { JsonState } from '../control/json-state.js';
import { sizeText } from '../sizes.js';
import type { ControlClient, SaveBody, SavedAnswer } from './control-client.js';
import { CtlError } from './ctl-error.js';
import { REGISTER_OPTIONS, type RegisterOption } from './register-options.js';
import { membersText, stateText } from './state-text.js';
import { destroy, untilEnded } from './vm-end.js';

export interface VerbOutput {
  readonly print: (text: string) => void;
  /** While a save runs. */
  readonly progress: (done: number, total: number) => void;
  readonly progressEnds: () => void;
}

/** How a checkpoint is taken. */
export interface SaveChoices {
  readonly parent?: string;
  readonly live?: boolean;
}

export interface VerbCall {
  readonly client: ControlClient;
  readonly output: VerbOutput;
  readonly choices: SaveChoices;
  /** Whose registers are shown. */
  readonly cpu: number;
  /** The option's argument; empty if it has none. */
  readonly value: string;
}

export interface Verb {
  readonly flags: string;
  readonly about: string;
  readonly run: (call: VerbCall) => Promise<void>;
}

const post =
  (path: string, ends = false): Verb['run'] =>
  async ({ client }) => {
    await client.ask('POST', path);
    if (ends) await untilEnded(client.vm);
  };

export const VERBS: readonly Verb[] = [
  { flags: '--status', about: 'show what the VM is and does', run: showMembers('/status') },
  { flags: '--suspend [name]', about: 'save the VM and end it; --continue or -r goes on with it', run: suspend },
  { flags: '--checkpoint [name]', about: 'save the VM and let it go on', run: checkpoint },
  { flags: '--cancel', about: 'end the save that is on its way; the guest goes on', run: cancel },
  { flags: '--pause', about: 'stop the guest; its time stands still', run: post('/pause') },
  { flags: '--resume', about: 'let a paused guest go on', run: post('/resume') },
  { flags: '--power-button', about: 'press the ACPI power button', run: pressPowerButton },
  { flags: '--force-poweroff', about: 'end the VM as pulling the plug does (status 1)', run: post('/power-off', true) },
  {
    flags: '--force-reset',
    about: 'end the VM as a guest that resets itself does (status 0)',
    run: post('/reset', true),
  },
  {
    flags: '--balloon <size>',
    about: 'ask the guest to give so much of its memory for now (0: none)',
    run: setBalloon,
  },
  { flags: '--inject-nmi', about: 'send all vCPUs an NMI', run: post('/nmi') },
  {
    flags: '--destroy',
    about: 'end the VM at once, also one that hangs, and remove its run folder',
    run: ({ client }) => destroy(client.vm),
  },
  { flags: '--get-stats', about: 'show counters', run: showMembers('/stats') },
  {
    flags: '--get-all',
    about: 'show all of the above and all registers',
    run: async (call) => {
      await showMembers('/status')(call);
      await showMembers('/stats')(call);
      await showRegisters(
        call,
        REGISTER_OPTIONS.filter(({ register }) => register === null),
      );
    },
  },
];

/** One request for all registers that are asked for. */
export async function showRegisters(
  { client, output, cpu }: Pick<VerbCall, 'client' | 'output' | 'cpu'>,
  asked: readonly RegisterOption[],
): Promise<void> {
  const groups = [...new Set(asked.map(({ group }) => group))].join(',');
  output.print(stateText(await client.ask<JsonState>('GET', `/registers?groups=${groups}&cpu=${cpu}`), asked));
}

function showMembers(path: string): Verb['run'] {
  return async ({ client, output }) => output.print(membersText(await client.ask('GET', path)));
}

async function suspend(call: VerbCall): Promise<void> {
  const { parent, live } = call.choices;
  if (parent !== undefined || live !== undefined) {
    throw new CtlError('--suspend: --parent, --live and --stopped go with --checkpoint only');
  }
  const saved = await save(call, '/suspend', place(call.value));
  await untilEnded(call.client.vm);
  call.output.print(savedText('suspended as', saved));
}

async function checkpoint(call: VerbCall): Promise<void> {
  const saved = await save(call, '/snapshot', { ...place(call.value), ...call.choices });
  call.output.print(savedText('snapshot', saved));
}

async function cancel({ client }: VerbCall): Promise<void> {
  const { cancelled } = await client.ask<{ cancelled: boolean }>('POST', '/cancel');
  if (!cancelled) throw new CtlError(`${client.vm}: nothing is being saved`);
}

async function pressPowerButton({ client, output }: VerbCall): Promise<void> {
  const { listens } = await client.ask<{ listens: boolean }>('POST', '/power-button');
  if (!listens) output.print('the guest does not listen to the power button\n');
}

async function setBalloon({ client, value }: VerbCall): Promise<void> {
  const size = byteCount(value);
  if (!Number.isSafeInteger(size)) throw new CtlError(`--balloon: '${value}' is no size; 512M and 2G are, and 0`);
  await client.ask('POST', '/balloon', { size });
}

async function save(
  { client, output }: VerbCall,
  path: '/suspend' | '/snapshot',
  body: SaveBody,
): Promise<SavedAnswer> {
  try {
    return await client.save(path, body, (done, total) => output.progress(done, total));
  } finally {
    output.progressEnds();
  }
}

/** A name in the VM's own store, or a path, whose folder is the store. */
function place(value: string): SaveBody {
  if (value === '') return {};
  if (!value.includes('/')) return { name: value };
  const path = resolve(value);
  return { name: basename(path), store: dirname(path) };
}

export function savedText(what: string, { name, bytes, stoppedMilliseconds }: SavedAnswer): string {
  return `${what} ${name}: ${sizeText(bytes)} of memory; the guest stood still for ${Math.round(stoppedMilliseconds)} ms\n`;
}
