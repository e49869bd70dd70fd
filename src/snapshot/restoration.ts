// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a restored machine has beside the saved one: a new generation id where it may not be the only one that goes on from
 * there, and a real-time clock that shows the time outside. VM time and the TSC go on where they stood.
 */
import { type GuestClock, guestClockOf } from '../machine/config.js';
import type { Machine } from '../machine/machine.js';
import type { ADDRESSES, Manifest, ManifestBody } from './manifest.js';

/** Who the guest takes itself for. The new id is random; drawing it is the caller's part. */
export type Identity =
  | { readonly kind: 'keep' }
  | {
      readonly kind: 'new';
      readonly generation: Uint8Array;
      /** Of network cards; they keep theirs, unless given. */
      readonly addresses?: (typeof ADDRESSES)[number];
    };

export interface RestorationChoices {
  readonly identity: Identity;
  readonly guestClock: GuestClock;
  /** Host time in nanoseconds since 1970. */
  readonly now: bigint;
}

type Restoration = NonNullable<ManifestBody['clone']['restored']>;

const SECOND = 1_000_000_000n;
const restorations = new WeakMap<Machine, Restoration>();

/** To be called once, on a machine as it was saved. `warn` hears what cannot be done. */
export function applyRestoration(
  machine: Machine,
  { id, clock: { wall } }: Manifest,
  { identity, guestClock, now }: RestorationChoices,
  warn: (message: string) => void,
): void {
  const { rtc, devices } = machine.parts.board;
  const passed = guestClock === 'advance' ? now - wall : 0n;
  if (passed < 0n) {
    warn(
      `the host's clock is ${-passed / SECOND} s behind the time of the snapshot: the guest's clock stays as it was`,
    );
  }
  const advanced = passed > 0n ? passed : 0n;
  if (advanced > 0n) rtc.advance(advanced);
  const addresses = identity.kind === 'new' ? (identity.addresses ?? 'keep') : 'keep';
  if (identity.kind === 'new') {
    for (const device of devices) device.renew(identity.generation);
    if (addresses === 'new') for (const device of devices) device.renewAddress(identity.generation);
  }
  for (const device of devices) device.rejoined();
  restorations.set(machine, { from: id, identity: identity.kind, addresses, advanced });
}

/** What a restore wrote into memory counts as written since the snapshot, for a log that begins before anything has run. */
export function logRestoration(machine: Machine): void {
  if (restorations.get(machine)?.identity === 'new') machine.parts.board.vmGeneration.publish();
}

export function clockRecord(machine: Machine, now: bigint): ManifestBody['clock'] {
  return { time: machine.time, wall: now, policy: guestClockOf(machine.parts.config) };
}

export function cloneRecord(machine: Machine): ManifestBody['clone'] {
  return {
    generation: Buffer.from(machine.parts.board.vmGeneration.guid).toString('hex'),
    restored: restorations.get(machine) ?? null,
  };
}
