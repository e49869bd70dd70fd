// SPDX-License-Identifier: BSD-2-Clause
/** Puts the boot processor into the state in which firmware would have entered a kernel. */
import { type EntryState, GENERAL_REGISTERS, SEGMENTS } from '../boot/entry-state.js';
import type { Vcpu } from '../hypervisor/hypervisor.js';
import {
  lapicIndex,
  REGISTER_COUNT,
  RegisterGroup,
  type RegisterName,
  registerIndex,
} from '../hypervisor/registers.js';

/** SDM vol. 3, 11.9 and 11.5.1: software enabled with spurious vector 0xFF; LINT0 = ExtINT, LINT1 = NMI, both unmasked. */
const SPURIOUS_ENABLED = 0x1ffn;
const LINT0_EXTINT = 0x700n;
const LINT1_NMI = 0x400n;
const LVT_LINT0 = 3;
const LVT_LINT1 = 4;

export function enterKernel(vcpu: Vcpu, entry: EntryState): void {
  const groups = RegisterGroup.General | RegisterGroup.Segments | RegisterGroup.Control;
  const values = new BigUint64Array(REGISTER_COUNT);
  vcpu.getRegisters(groups, values);
  const set = (name: RegisterName, value: bigint): void => {
    values[registerIndex(name)] = value;
  };
  for (const name of GENERAL_REGISTERS) set(name, entry[name]);
  for (const name of ['rip', 'rflags', 'cr0', 'cr3', 'cr4', 'efer'] as const) set(name, entry[name]);
  for (const name of SEGMENTS) {
    const { selector, base, limit, attributes } = entry.segments[name];
    set(`${name}_selector`, BigInt(selector));
    set(`${name}_base`, base);
    set(`${name}_limit`, BigInt(limit));
    set(`${name}_attributes`, BigInt(attributes));
  }
  for (const name of ['gdtr', 'idtr'] as const) {
    set(`${name}_base`, entry[name].base);
    set(`${name}_limit`, BigInt(entry[name].limit));
  }
  vcpu.setRegisters(groups, values);
  enterVirtualWire(vcpu);
}

/** Virtual wire mode, in which interrupts of the 8259 pair arrive through the local APIC. */
function enterVirtualWire(vcpu: Vcpu): void {
  const rows = vcpu.getLapic();
  rows[lapicIndex('spurious')] = SPURIOUS_ENABLED;
  rows[lapicIndex('lvt') + LVT_LINT0] = LINT0_EXTINT;
  rows[lapicIndex('lvt') + LVT_LINT1] = LINT1_NMI;
  vcpu.setLapic(rows);
}
