// SPDX-License-Identifier: BSD-2-Clause
/** The restore itself under test: what the machine has is read back, and compared with what was saved. */
import { type CborMap, type CborValue, decode, encode, isMap } from '../core/cbor.js';
import { PAGE_SIZE } from '../hypervisor/hypervisor.js';
import { processorsShape } from '../hypervisor/processors-state.js';
import { vcpuShape } from '../hypervisor/vcpu-state.js';
import type { Machine } from '../machine/machine.js';
import { saveTree } from '../machine/machine-state.js';
import { firstDifference } from './first-difference.js';
import { fileOffset, PageReader } from './page-reader.js';
import { restoreWatch } from './restore-watch.js';
import { refusing, SnapshotError } from './snapshot-error.js';
import type { OpenLayer } from './snapshot-folder.js';

/** The machine must not have run yet. Throws the first difference. */
export function verifyRestored(machine: Machine, name: string, state: CborValue, layers: readonly OpenLayer[]): void {
  const { engine, chipset } = machine.parts.engine.capabilities;
  if (chipset === 'kernel') {
    throw new SnapshotError(name, `engine ${engine} cannot be verified: the clocks in its kernel's state run on`);
  }
  const fault = restoreWatch(machine)?.settle(); // layers that were read have been compared with their digests
  if (fault) throw fault;
  compareState(name, currentForm(machine, state), saveTree(machine));
  compareMemory(machine, name, layers);
}

function compareState(name: string, saved: CborValue, restored: CborValue): void {
  if (Buffer.compare(encode(saved), encode(restored)) === 0) return;
  // What was saved has numbers in their shortest form, as decoding gives them.
  const found = firstDifference(decode(encode(saved)), decode(encode(restored)));
  const what = found === null ? 'its bytes' : `${found.path}: ${found.saved}, restored ${found.restored}`;
  throw new SnapshotError(name, `not restored as it was saved: ${what}`);
}

/** An older version of a part is saved as the newest: the bytes to expect are those after the upgrade. */
function currentForm({ parts }: Machine, state: CborValue): CborValue {
  if (!isMap(state) || !isMap(state.devices)) return state;
  const { devices, processors } = state;
  const upgraded: CborMap = {};
  for (const { id, shape } of parts.board.devices) upgraded[id] = shape.upgraded(devices[id] ?? null, id);
  return {
    ...state,
    vcpu: vcpuShape.upgraded(state.vcpu ?? null, 'vcpu'),
    ...(processors !== undefined && { processors: processorsShape.upgraded(processors, 'processors') }),
    devices: upgraded,
  };
}

function compareMemory({ parts }: Machine, name: string, layers: readonly OpenLayer[]): void {
  const { segments } = parts.engine.memory;
  const lengths = segments.map(({ bytes }) => bytes.length);
  const reader = new PageReader(layers);
  let page = 0;
  for (const { base, bytes } of segments) {
    for (let at = 0; at < bytes.length; at += PAGE_SIZE, page += 1) {
      const saved = refusing(name, () => reader.read(reader.sourceOf(page), fileOffset(lengths, page)));
      if (saved.equals(bytes.subarray(at, at + PAGE_SIZE))) continue;
      const address = (base + at).toString(16);
      throw new SnapshotError(name, `not restored as it was saved: the page of memory at 0x${address}`);
    }
  }
}
