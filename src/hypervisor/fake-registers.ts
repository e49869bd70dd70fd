// SPDX-License-Identifier: BSD-2-Clause
import { LAPIC_ROW_COUNT, REGISTER_COUNT, REGISTER_ROWS, registerIndex } from './registers.js';

const XSAVE_LENGTH = 576;
const TSC_AND_EFER = BigUint64Array.of(0x10n, 0n, 0xc000_0080n, 0n);

/** Only what a machine or a test can tell a reset by. */
function powerOnRegisters(): BigUint64Array {
  const registers = new BigUint64Array(REGISTER_COUNT);
  registers[registerIndex('rip')] = 0xfff0n;
  registers[registerIndex('cs_base')] = 0xffff_0000n;
  return registers;
}

/** Registers that no instruction uses: they keep what is written. */
export class FakeRegisters {
  private registers = powerOnRegisters();
  private msrs: BigUint64Array = TSC_AND_EFER.slice();
  private xsave = new Uint8Array(XSAVE_LENGTH);
  private lapic = new BigUint64Array(LAPIC_ROW_COUNT);

  getRegisters(groups: number, values: BigUint64Array): void {
    copyGroups(groups, this.registers, values);
  }

  setRegisters(groups: number, values: BigUint64Array): void {
    copyGroups(groups, values, this.registers);
  }

  getMsrs(): BigUint64Array {
    return this.msrs.slice();
  }

  setMsrs(pairs: BigUint64Array): void {
    const values = new Map<bigint, bigint>();
    for (const source of [this.msrs, pairs]) {
      for (let at = 0; at + 1 < source.length; at += 2) values.set(source[at] ?? 0n, source[at + 1] ?? 0n);
    }
    this.msrs = BigUint64Array.from([...values].flat());
  }

  getXsave(): Uint8Array {
    return this.xsave.slice();
  }

  setXsave(image: Uint8Array): void {
    this.xsave = Uint8Array.from(image);
  }

  getLapic(): BigUint64Array {
    return this.lapic.slice();
  }

  setLapic(rows: BigUint64Array): void {
    this.lapic.set(rows);
  }

  protected resetRegisters(): void {
    this.registers = powerOnRegisters();
    this.msrs = TSC_AND_EFER.slice();
    this.xsave.fill(0);
    this.lapic.fill(0n);
  }
}

function copyGroups(groups: number, from: BigUint64Array, to: BigUint64Array): void {
  for (const [index, { group }] of REGISTER_ROWS.entries()) {
    if (groups & group) to[index] = from[index] ?? 0n;
  }
}
