// SPDX-License-Identifier: BSD-2-Clause
/** What comes to a machine from outside, at the instants of a recording. */
import type { NetPort } from '../../devices/virtio/net-backend.js';
import type { Entry } from '../../src/machine/inputs/input-fields.js';
import { LinkedCards } from '../../src/machine/linked-cards.js';
import type { Machine } from '../../src/machine/machine.js';
import { COMMANDS, type CommandSubject } from '../../src/machine/thread-messages.js';
import { ThreadSaves } from '../../src/machine/thread-save.js';
import { VsockLinks } from '../../src/machine/vsock-links.js';

export type Incoming = Exclude<Entry, { readonly name: 'end' }>;

/** Of a machine that stands at `now`: what came until then it has. */
export function between(inputs: readonly Incoming[], now: bigint, until: bigint): Incoming[] {
  return inputs.filter(({ time }) => time > now && time <= until);
}

export function deliver(machine: Machine, name: Incoming['name'], given: readonly unknown[]): unknown {
  const command = COMMANDS[name] as (subject: CommandSubject, ...given: readonly unknown[]) => unknown; // typed where it was sent
  return command(subjectOf(machine), ...given);
}

function subjectOf(machine: Machine): CommandSubject {
  const cards = new LinkedCards();
  for (const device of machine.parts.board.pci) {
    if ('model' in device && isPort(device.model)) cards.attach(device.id, device.model);
  }
  return { machine, cards, vsocks: new VsockLinks(() => {}), saves: new ThreadSaves(machine, null) };
}

function isPort(model: unknown): model is NetPort {
  return typeof model === 'object' && model !== null && 'receive' in model && 'setLink' in model;
}
