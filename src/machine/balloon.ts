// SPDX-License-Identifier: BSD-2-Clause
/** The memory balloon of a machine, for those who watch it and ask for memory. Sizes are in bytes. */
import { VirtioBalloon } from '../../devices/virtio/balloon.js';
import { BALLOON_PAGE } from '../../devices/virtio/balloon-pages.js';
import type { Statistic } from '../../devices/virtio/balloon-statistics.js';
import { VirtioPci } from '../../devices/virtio/transport-pci.js';
import { balloonRefusal } from './balloon-options.js';
import type { Machine } from './machine.js';

export interface BalloonStats {
  /** What the guest is asked for. */
  readonly target: number;
  /** What it says it has given. */
  readonly actual: number;
  /** VM time in nanoseconds when it told the rest; null if it has not. */
  readonly guestTime: bigint | null;
  readonly guest: Readonly<Partial<Record<Statistic, bigint>>>;
}

/** Null for a machine without a balloon. */
export function balloonStats(machine: Machine): BalloonStats | null {
  const facts = balloonOf(machine)?.facts;
  if (facts === undefined) return null;
  const { target, actual, toldAt, guest } = facts;
  return { target: target * BALLOON_PAGE, actual: actual * BALLOON_PAGE, guestTime: toldAt, guest };
}

/** Why the guest cannot be asked for so much; null if it has been. */
export function setBalloon(machine: Machine, size: number): string | null {
  const balloon = balloonOf(machine);
  if (balloon === null) return 'the machine has no balloon; -s N,virtio-balloon gives it one';
  const refusal = balloonRefusal(size, machine.parts.config.memory);
  if (refusal !== null) return `a balloon of ${size} bytes: ${refusal}`;
  if (machine.state !== 'running' && machine.state !== 'paused') return `the machine is ${machine.state}`;
  balloon.setTarget(size / BALLOON_PAGE);
  return null;
}

/**
 * Asks the guest for new statistics; false if none will come. Under the virtual clock a guest that somebody looks at must
 * not differ from one that is left alone.
 */
export function refreshBalloon(machine: Machine): boolean {
  if (machine.state !== 'running' || machine.parts.config.clock.kind === 'virtual') return false;
  return balloonOf(machine)?.refresh() ?? false;
}

function balloonOf({ parts }: Machine): VirtioBalloon | null {
  for (const device of parts.board.pci) {
    if (device instanceof VirtioPci && device.model instanceof VirtioBalloon) return device.model;
  }
  return null;
}
