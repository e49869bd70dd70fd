// SPDX-License-Identifier: BSD-2-Clause
/** How the contract tests drive an engine: enter a guest, run to its next exit, look at its state. */
import { ExitKind, NEVER } from '../../src/hypervisor/exit.js';
import type { Engine } from '../../src/hypervisor/hypervisor.js';
import {
  lapicIndex,
  REGISTER_COUNT,
  REGISTER_ROWS,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../../src/hypervisor/registers.js';
import { CODE_BASE, type ContractGuest, HANDLER, HANDLER_BASE, NMI, VECTOR } from './engine-guests.js';

interface SeenExit {
  readonly kind: ExitKind;
  readonly address: number;
  readonly width: number;
  readonly data: number;
  readonly detail: number;
  readonly instructions: bigint;
  readonly time: bigint;
}

/** Runs without a deadline through slices that end for no reason of the guest's. */
export function nextExit(engine: Engine): SeenExit {
  engine.vcpu.slot.deadline = NEVER;
  const kind = runOn(engine);
  const { address, width, data, detail, instructions, time } = engine.vcpu.slot;
  return { kind, address, width, data, detail, instructions, time };
}

/** Slices that a guest may need for a few instructions, on the slowest of hosts. */
const MANY = 5000;

export function runOn(engine: Engine): ExitKind {
  for (let slice = 0; slice < MANY; slice += 1) {
    const kind = engine.run();
    if (kind !== ExitKind.None) return kind;
  }
  throw new Error(`the guest ran for ${MANY} slices without an exit`);
}

export function enterRealMode(engine: Engine, guest: ContractGuest): void {
  const { memory, vcpu } = engine;
  memory.write(CODE_BASE, Uint8Array.from(guest.code));
  memory.write(HANDLER_BASE, Uint8Array.from(HANDLER));
  for (const vector of [NMI, VECTOR]) memory.writeU32(4 * vector, HANDLER_BASE);
  const values = registers(engine);
  const set = (name: RegisterName, value: number) => {
    values[registerIndex(name)] = BigInt(value);
  };
  set('cs_selector', 0);
  set('cs_base', 0);
  set('rip', CODE_BASE);
  set('rsp', 0x8000);
  vcpu.setRegisters(RegisterGroup.All, values);
  const rows = vcpu.getLapic();
  rows[lapicIndex('spurious')] = 0x1ffn;
  rows[lapicIndex('lvt') + 3] = 0x700n; // LINT0 = ExtINT
  vcpu.setLapic(rows);
}

export function registers({ vcpu }: Engine): BigUint64Array {
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(RegisterGroup.All, values);
  return values;
}

export function different(before: BigUint64Array, after: BigUint64Array): string[] {
  return REGISTER_ROWS.filter((_, index) => before[index] !== after[index]).map(({ name }) => name);
}

/** Numbers of the pages in a client's log. */
export function taken(engine: Engine, client: number): number[] {
  const bitmap = new Uint8Array(64);
  engine.takeDirtyLog(client, bitmap);
  return Array.from({ length: 8 * bitmap.length }, (_, page) => page).filter(
    (page) => ((bitmap[page >> 3] ?? 0) >> (page & 7)) & 1,
  );
}

/** Native errors come from another realm, so they are told by their code. */
export function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'no error';
}
