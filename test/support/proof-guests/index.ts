// SPDX-License-Identifier: BSD-2-Clause
import { ioapic, pair } from './controllers.js';
import { disk } from './disk.js';
import { events } from './events.js';
import { integer } from './integer.js';
import { lapic } from './lapic.js';
import { network } from './network.js';
import { pae } from './pae.js';
import { debugExit, keyboard, keyRelease, latches } from './ports.js';
import { processors } from './processors.js';
import type { ProofGuest } from './proof-guest.js';
import { serial } from './serial.js';
import { sse } from './sse.js';
import { system } from './system.js';
import { hpet, pit, rtc } from './timers.js';
import { x87 } from './x87.js';

export { DONE, type ProofGuest } from './proof-guest.js';

export const PROOF_GUESTS: readonly ProofGuest[] = [
  integer,
  x87,
  sse,
  events,
  system,
  pae,
  lapic,
  processors,
  pit,
  rtc,
  hpet,
  pair,
  ioapic,
  serial,
  keyboard,
  keyRelease,
  latches,
  debugExit,
];

/** These have something outside of their machine that goes with it: a disk in memory, or a recording of what came in. */
export const ATTACHED_GUESTS: readonly ProofGuest[] = [disk, network];
