// SPDX-License-Identifier: BSD-2-Clause
/** Answers to `GET /status` and `GET /stats`. */
import type { ControlSubject } from './subject.js';

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
  const { time, instructions, memory, exits } = await vm.ask('stats');
  return {
    time: String(time),
    instructions: String(instructions),
    exits,
    memory,
    residentMemory: process.memoryUsage.rss(),
    saves: saver.count,
    lastSave: saver.last,
  };
}
