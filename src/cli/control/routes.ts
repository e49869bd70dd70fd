// SPDX-License-Identifier: BSD-2-Clause
/** Everything the control socket can be asked, in one table: the server, its checks and the OpenAPI document follow from it. */
import { STATE_GROUPS, type StateGroup } from '../../machine/inspect.js';
import type { SaveKind } from '../../machine/thread-save.js';
import type { VmSaveOrder } from '../vm.js';
import { ControlError } from './control-error.js';
import { jsonState } from './json-state.js';
import { count, decimal, flag, listOf, mapOf, object, orNull, type Schema, text } from './schema.js';
import { machineStatus, statistics } from './status.js';
import type { ControlSubject } from './subject.js';

/** Of a request, checked against the route's schemas. */
export type Input = Readonly<Record<string, unknown>>;

interface Described {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly about: string;
  readonly query?: Schema;
  readonly body?: Schema;
  /** Of the answer; with `saves`, of its last line's `result`. */
  readonly answer: Schema;
}

export interface PlainRoute extends Described {
  readonly run: (subject: ControlSubject, input: Input) => Promise<unknown>;
}

/** Answers with lines of JSON: any number of `progress`, then one `result` or `error`. */
export interface SaveRoute extends Described {
  readonly saves: SaveKind;
}

export type Route = PlainRoute | SaveRoute;

const PATH_MAX = 4096;
const NAME = text('name of the snapshot; <vm>-<n> unless given', { minLength: 1, maxLength: 64 });
const STORE = text('absolute path of another store than the VM’s', { pattern: '^/', maxLength: PATH_MAX });
const NOTHING = object({});
const SAVED: Readonly<Record<string, Schema>> = {
  name: text('of the snapshot'),
  bytes: count('of memory, as stored'),
  stoppedMilliseconds: { type: 'number', description: 'host time that the guest stood still' },
  lastPages: count('pages that were written in that time'),
};
const saved = object({ store: text('folder it is in'), ...SAVED });
const status = object({
  name: text('of the VM'),
  pid: count('of its process'),
  state: text('what the machine does', { enum: ['built', 'running', 'paused', 'stopped', 'closed'] }),
  saving: orNull(text('what is being saved', { enum: ['suspend', 'snapshot'] })),
  time: decimal('VM time in nanoseconds'),
  instructions: decimal('that all vCPUs together have retired'),
  memory: count('bytes of guest memory'),
  engine: text('that runs the vCPUs'),
  clock: text('real or virtual'),
  store: text('folder of its snapshots'),
  resumed: orNull(text('snapshot that it was resumed from')),
});
const stats = object({
  time: decimal('VM time in nanoseconds'),
  instructions: decimal('that all vCPUs together have retired'),
  vcpus: listOf(
    object({
      instructions: decimal('that it has retired'),
      exits: mapOf(count(''), 'by kind, since this process has the machine'),
      engine: mapOf(count(''), 'what the engine has and has done for it: of soft, its translator’s host code'),
    }),
    'by APIC id',
  ),
  memory: count('bytes of guest memory'),
  residentMemory: count('bytes of the whole process that are in memory'),
  saves: count('snapshots and suspends that ended well'),
  lastSave: orNull({ ...object(SAVED), description: 'that ended well' }),
  balloon: orNull({
    ...object({
      target: count('bytes that the guest is asked to give'),
      actual: count('bytes that it says it has given'),
      guestTime: orNull(decimal('VM time in nanoseconds when the guest told what follows')),
      guest: mapOf(text(''), 'what it says about its memory, in bytes, and its page faults, as decimal digits'),
    }),
    description: 'the memory balloon, if there is one',
  }),
});
const consoles = object({
  consoles: listOf(
    object({
      port: text('serial port, or DEVICE/NAME for a port of a virtio console'),
      place: text('back end, and where it is'),
      socket: orNull(text('to attach to, of a detached console')),
      attached: flag('somebody is attached'),
    }),
    'serial and virtio ports that have a back end',
  ),
});
const groups = object(
  {
    groups: text(`names with commas between: ${STATE_GROUPS.join(', ')}`, {
      pattern: `^(${STATE_GROUPS.join('|')})(,(${STATE_GROUPS.join('|')}))*$`,
      maxLength: 200,
    }),
    cpu: text('which vCPU; 0 unless given', { pattern: '^[0-9]{1,3}$' }),
  },
  ['cpu'],
);
const state = mapOf({ type: 'object', additionalProperties: true }, 'values by group and name, in hex');

export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/status',
    about: 'What the VM is and does.',
    answer: status,
    run: machineStatus,
  },
  {
    method: 'GET',
    path: '/stats',
    about: 'Counters.',
    answer: stats,
    run: statistics,
  },
  {
    method: 'GET',
    path: '/registers',
    about: 'State of a vCPU, read at one instant.',
    query: groups,
    answer: state,
    // The schema has only let names of groups through.
    run: async ({ vm }, { groups: names, cpu = 0 }) =>
      jsonState(await vm.ask('processor', String(names).split(',') as StateGroup[], Number(cpu))),
  },
  {
    method: 'GET',
    path: '/consoles',
    about: 'Serial ports with their back ends.',
    answer: consoles,
    run: async (subject) => ({ consoles: subject.consoles() }),
  },
  {
    method: 'POST',
    path: '/pause',
    about: 'Stops the guest; its time stands still. A VM that is paused stays so.',
    answer: NOTHING,
    run: done(({ vm }) => vm.setPaused(true)),
  },
  {
    method: 'POST',
    path: '/resume',
    about: 'Lets a paused guest go on.',
    answer: NOTHING,
    run: done(({ vm }) => vm.setPaused(false)),
  },
  {
    method: 'POST',
    path: '/suspend',
    about: 'Saves the VM, which then ends with status 5. The result comes when it is durable.',
    body: object({ name: NAME, store: STORE }, ['name', 'store']),
    answer: saved,
    saves: 'suspend',
  },
  {
    method: 'POST',
    path: '/snapshot',
    about: 'Saves the VM, which then goes on. The result comes when it is durable.',
    body: object(
      {
        name: NAME,
        store: STORE,
        parent: text('a snapshot of that store: only what has changed since is saved', { minLength: 1, maxLength: 64 }),
        live: flag('copy memory while the guest runs, and stop it only for the rest; the default'),
      },
      ['name', 'store', 'parent', 'live'],
    ),
    answer: saved,
    saves: 'snapshot',
  },
  {
    method: 'POST',
    path: '/cancel',
    about: 'Ends a save that is on its way: nothing of it is left, and the guest goes on.',
    answer: object({ cancelled: flag('false if nothing was being saved') }),
    run: async ({ saver }) => ({ cancelled: saver.active !== null && (await saver.cancel('control socket')) }),
  },
  {
    method: 'POST',
    path: '/power-button',
    about: 'Presses the ACPI power button.',
    answer: object({ listens: flag('whether the guest listens to it') }),
    run: unlessSuspending(async ({ vm }) => ({ listens: await vm.ask('pressPowerButton') })),
  },
  {
    method: 'POST',
    path: '/balloon',
    about: 'Asks the guest to give so much of its memory for now, and not more; `GET /stats` tells what it has given.',
    body: object({ size: count('bytes, a multiple of 4096') }),
    answer: NOTHING,
    run: unlessSuspending(async ({ vm }, { size }) => {
      const refusal = await vm.ask('setBalloon', BigInt(Number(size))); // an integer, says the schema
      if (refusal) throw new ControlError(409, refusal);
      return {};
    }),
  },
  {
    method: 'POST',
    path: '/power-off',
    about: 'Ends the VM as pulling the plug does, with status 1.',
    answer: NOTHING,
    run: done(async ({ vm }) => vm.powerOff()),
  },
  {
    method: 'POST',
    path: '/reset',
    about: 'Ends the VM as a guest does that resets itself, with status 0: whoever started it starts it again.',
    answer: NOTHING,
    run: done(({ vm }) => vm.ask('powerOffToReset')),
  },
  {
    method: 'POST',
    path: '/nmi',
    about: 'Sends every vCPU that has been started an NMI.',
    answer: NOTHING,
    run: unlessSuspending(done(({ vm }) => vm.ask('injectNmi'))),
  },
];

/** There is nothing to say but that it is done. */
function done(work: (subject: ControlSubject) => Promise<unknown>): PlainRoute['run'] {
  return async (subject) => {
    await work(subject);
    return {};
  };
}

/** What the guest gets now would not be in the snapshot, and lost with this process. */
function unlessSuspending(run: PlainRoute['run']): PlainRoute['run'] {
  return async (subject, input) => {
    if (subject.saver.active === 'suspend') throw new ControlError(409, 'a suspend is on its way');
    return run(subject, input);
  };
}

export function saveOrder(kind: SaveKind, input: Input): VmSaveOrder {
  return { ...input, kind }; // the route's schema has only let members of an order through
}
