// SPDX-License-Identifier: BSD-2-Clause
/** The whole machine, out and in: vCPUs, device tree, memory. Snapshots put this on disk. */
import { type CborMap, type CborValue, isMap } from '../core/cbor.js';
import type { GuestMemory } from '../core/guest-memory.js';
import { got, StateError } from '../core/state-error.js';
import { applyProcessors, captureProcessors, processorsShape } from '../hypervisor/processors-state.js';
import { applyVcpu, captureVcpu, vcpuShape } from '../hypervisor/vcpu-state.js';
import type { Machine } from './machine.js';

/** Everything but memory, by device id. A machine with one vCPU has no `processors`. */
export type MachineTree = { vcpu: CborMap; processors?: CborMap; devices: CborMap };

/** The machine must be paused, or not have run yet. */
export function saveTree(machine: Machine): MachineTree {
  requireState(machine, 'save', 'paused', 'built');
  const { engine, board } = machine.parts;
  const devices: CborMap = {};
  for (const device of board.devices) devices[device.id] = device.serialize();
  const vcpu = vcpuShape.save(captureVcpu(engine));
  if (engine.vcpus.length === 1) return { vcpu, devices };
  return { vcpu, processors: processorsShape.save(captureProcessors(engine)), devices };
}

/**
 * Puts a saved state into a machine that was just built with the same configuration. Throws a `StateError` that names
 * what is wrong; the machine can then only be closed.
 */
export function loadTree(machine: Machine, tree: CborValue): void {
  requireState(machine, 'load', 'built');
  const { engine, board } = machine.parts;
  const isAlone = engine.vcpus.length === 1;
  const keys = isAlone ? ['devices', 'vcpu'] : ['devices', 'processors', 'vcpu'];
  const { vcpu, processors, devices } = expectMap(tree, 'machine', keys);
  const state = vcpuShape.load(vcpu ?? null, 'vcpu');
  const all = isAlone ? null : processorsShape.load(processors ?? null, 'processors');
  const ids = board.devices.map(({ id }) => id);
  const saved = expectMap(devices ?? null, 'devices', ids);
  if (all === null) applyVcpu(engine, state);
  else applyProcessors(engine, state, all);
  for (const device of board.devices) device.deserialize(saved[device.id] ?? null);
}

/** A copy of all memory, segment by segment. */
export function copyMemory(memory: GuestMemory): Uint8Array[] {
  return memory.segments.map(({ bytes }) => bytes.slice());
}

export function restoreMemory(memory: GuestMemory, copies: readonly Uint8Array[]): void {
  memory.segments.forEach(({ base, bytes }, index) => {
    const copy = copies[index];
    if (copy?.length !== bytes.length) {
      throw new StateError(`memory[${index}]`, `expected ${bytes.length} bytes, got ${copy?.length ?? 'nothing'}`);
    }
    memory.write(base, copy);
  });
}

function expectMap(value: CborValue, path: string, keys: readonly string[]): CborMap {
  if (!isMap(value)) throw new StateError(path, `expected a map, got ${got(value)}`);
  for (const key of keys) {
    if (!Object.hasOwn(value, key)) throw new StateError(`${path}.${key}`, 'missing: this machine has it');
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new StateError(`${path}.${key}`, 'unknown: this machine has no such part');
  }
  return value;
}

function requireState(machine: Machine, action: string, ...expected: readonly Machine['state'][]): void {
  if (expected.includes(machine.state)) return;
  throw new Error(
    `cannot ${action} the state of a machine that is ${machine.state}: expected ${expected.join(' or ')}`,
  );
}
