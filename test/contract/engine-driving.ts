// SPDX-License-Identifier: BSD-2-Clause
/** How the contract tests drive an engine: enter a guest, run to its next exit, look at its state. */
import { ExitKind, NEVER } from '../../src/hypervisor/exit.js';
import type { Engine, Vcpu } from '../../src/hypervisor/hypervisor.js';
import {
  lapicIndex,
  REGISTER_COUNT,
  REGISTER_ROWS,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../../src/hypervisor/registers.js';
import { CODE_BASE, type ContractGuest, HANDLER, HANDLER_BASE, NMI, VECTOR } from './engine-guests.js';

export interface SeenExit {
  readonly vcpu: number;
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
  return seenExit(engine, kind);
}

export function seenExit({ exited }: Engine, kind: ExitKind): SeenExit {
  const { address, width, data, detail, instructions, time } = exited.slot;
  return { vcpu: exited.index, kind, address, width, data, detail, instructions, time };
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
  putHandler(engine);
  engine.memory.write(CODE_BASE, Uint8Array.from(guest.code));
  startAt(engine.vcpu, CODE_BASE);
}

export function putHandler({ memory }: Engine): void {
  memory.write(HANDLER_BASE, Uint8Array.from(HANDLER));
  for (const vector of [NMI, VECTOR]) memory.writeU32(4 * vector, HANDLER_BASE);
}

/** Only the first has the 8259s on LINT0 (ExtINT), as firmware has it. */
export function startAt(vcpu: Vcpu, address: number): void {
  const values = registersOf(vcpu);
  const set = (name: RegisterName, value: number) => {
    values[registerIndex(name)] = BigInt(value);
  };
  set('cs_selector', 0);
  set('cs_base', 0);
  set('rip', address);
  set('rsp', 0x8000 + 0x800 * vcpu.index);
  set('run_state', 0);
  vcpu.setRegisters(RegisterGroup.All, values);
  const rows = vcpu.getLapic();
  rows[lapicIndex('spurious')] = 0x1ffn;
  if (vcpu.index === 0) rows[lapicIndex('lvt') + 3] = 0x700n;
  vcpu.setLapic(rows);
}

export function registers({ vcpu }: Engine): BigUint64Array {
  return registersOf(vcpu);
}

export function registersOf(vcpu: Vcpu): BigUint64Array {
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(RegisterGroup.All, values);
  return values;
}

export function register(vcpu: Vcpu, name: RegisterName): bigint {
  return registersOf(vcpu)[registerIndex(name)] ?? 0n;
}

export function setRegister(vcpu: Vcpu, name: RegisterName, value: bigint): void {
  const values = registersOf(vcpu);
  values[registerIndex(name)] = value;
  vcpu.setRegisters(RegisterGroup.All, values);
}

export function vcpuOf({ vcpus }: Engine, index: number): Vcpu {
  const vcpu = vcpus[index];
  if (vcpu === undefined) throw new RangeError(`vCPU ${index}: expected 0 to ${vcpus.length - 1}`);
  return vcpu;
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

/** What an engine lacks for a test is told, not passed over. */
export function testUnless(lack: string | null): (title: string, body: () => void) => void {
  return (title, body) => {
    if (lack === null) test(title, body);
    else test.skip(`${title}: skipped: ${lack}`, () => {});
  };
}

/** Each vCPU finishes one instruction at most. */
export function standStill(engine: Engine, answer: (seen: SeenExit) => void = () => {}): void {
  for (let exits = 0; exits <= engine.vcpus.length; exits += 1) {
    const kind = engine.safepoint();
    if (kind === ExitKind.None) return;
    answer(seenExit(engine, kind));
  }
  throw new Error('a safepoint does not come to its end');
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
