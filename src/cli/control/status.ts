// SPDX-License-Identifier: BSD-2-Clause
/** Answers to `GET /status` and `GET /stats`. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BalloonStats } from '../../machine/balloon.js';
import type { MachineStats } from '../../machine/inspect.js';
import type { Vm } from '../vm.js';
import type { ControlSubject } from './subject.js';

/** How long a guest has to tell of its memory. */
const GUEST_MS = 500;
const LOOK_MS = 5;

export async function machineStatus({ vm, saver, settings }: ControlSubject): Promise<unknown> {
  const { state, time, instructions } = await vm.ask('status');
  const { machine, resume, store } = settings;
  return {
    name: machine.name,
    pid: process.pid,
    state,
    saving: saver.active,
    time: String(time),
    instructions: String(instructions),
    memory: machine.memory,
    engine: machine.engine,
    clock: machine.clock.kind,
    store,
    resumed: resume?.name ?? null,
  };
}

export async function statistics({ vm, saver }: ControlSubject): Promise<unknown> {
  const { time, instructions, memory, vcpus, balloon } = await freshStatistics(vm);
  return {
    time: String(time),
    instructions: String(instructions),
    vcpus: vcpus.map((vcpu) => ({ ...vcpu, instructions: String(vcpu.instructions) })),
    memory,
    residentMemory: process.memoryUsage.rss(),
    saves: saver.count,
    lastSave: saver.last,
    balloon: balloon && balloonAnswer(balloon),
  };
}

/** A guest with a balloon is asked first; one that does not answer has had its chance. */
async function freshStatistics(vm: Pick<Vm, 'ask'>): Promise<MachineStats> {
  let now = await vm.ask('stats');
  const before = now.balloon?.guestTime;
  if (now.balloon === null || !(await vm.ask('refreshBalloon'))) return now;
  const end = performance.now() + GUEST_MS;
  while (now.balloon?.guestTime === before && performance.now() < end) {
    await pause(LOOK_MS);
    now = await vm.ask('stats');
  }
  return now;
}

function balloonAnswer({ target, actual, guestTime, guest }: BalloonStats): unknown {
  const values = Object.entries(guest).map(([name, value]) => [name, String(value)] as const);
  return { target, actual, guestTime: guestTime?.toString() ?? null, guest: Object.fromEntries(values) };
}
