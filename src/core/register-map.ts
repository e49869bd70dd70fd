// SPDX-License-Identifier: BSD-2-Clause
import { high32, join64, low32, mask, type Width } from './bits.js';
import { compileRow, type RegisterRow, type Row } from './register-row.js';
import type { Fields } from './state-fields.js';

export type { NarrowRow, RegisterRow, WideRow } from './register-row.js';

export interface RegisterMapOptions {
  /** The byte that offsets without a register read as. */
  readonly unmapped?: number;
}

/**
 * A device's registers as a table. Guest accesses of any width are split or merged to fit the rows: a row that is
 * read in part is read once, and one that is written in part is merged with what `peek` shows.
 */
export class RegisterMap<State extends object, Owner = unknown> {
  /** The row at every offset of every bank: bank * length + offset. */
  private readonly slots: (Row<State, Owner> | undefined)[];
  private readonly length: number;
  private readonly unmapped: number;

  constructor(
    fields: Fields,
    banks: number,
    rows: readonly RegisterRow<State, Owner>[],
    options: RegisterMapOptions = {},
  ) {
    this.unmapped = options.unmapped ?? 0xff;
    this.length = rows.reduce((end, row) => Math.max(end, row.at + (row.width ?? 1)), 0);
    this.slots = Array.from({ length: banks * this.length }, () => undefined);
    for (const row of rows) {
      const compiled = compileRow(fields, row);
      if (row.bank !== undefined && (row.bank < 0 || row.bank >= banks)) {
        throw new RangeError(`register ${row.name}: expected a bank below ${banks}, got ${row.bank}`);
      }
      const first = row.bank ?? 0;
      const last = row.bank ?? banks - 1;
      for (let bank = first; bank <= last; bank += 1) this.place(compiled, bank);
    }
  }

  read(state: State, owner: Owner, bank: number, offset: number, width: Width): number {
    const row = this.find(bank, offset);
    if (row !== undefined && row.at === offset && row.width === width) return row.read(state, owner);
    return this.gather(state, owner, bank, offset, width, false);
  }

  /** What a read would give, without its side effects. */
  peek(state: State, owner: Owner, bank: number, offset: number, width: Width): number {
    return this.gather(state, owner, bank, offset, width, true);
  }

  write(state: State, owner: Owner, bank: number, offset: number, width: Width, value: number): void {
    const row = this.find(bank, offset);
    if (row !== undefined && row.at === offset && row.width === width) {
      row.write(state, owner, (value & mask(width)) >>> 0);
      return;
    }
    let index = 0;
    while (index < width) {
      const target = this.find(bank, offset + index);
      if (target === undefined) {
        index += 1;
        continue;
      }
      const skip = offset + index - target.at;
      const count = Math.min(target.width - skip, width - index);
      target.writePart(state, owner, skip, count, (value >>> (8 * index)) & partMask(count));
      index += count;
    }
  }

  read64(state: State, owner: Owner, bank: number, offset: number): bigint {
    const row = this.find(bank, offset);
    if (row !== undefined && row.at === offset && row.width === 8) return row.read64(state, owner);
    const low = this.read(state, owner, bank, offset, 4);
    return join64(low, this.read(state, owner, bank, offset + 4, 4));
  }

  write64(state: State, owner: Owner, bank: number, offset: number, value: bigint): void {
    const row = this.find(bank, offset);
    if (row !== undefined && row.at === offset && row.width === 8) {
      row.write64(state, owner, BigInt.asUintN(64, value));
      return;
    }
    this.write(state, owner, bank, offset, 4, low32(value));
    this.write(state, owner, bank, offset + 4, 4, high32(value));
  }

  private place(row: Row<State, Owner>, bank: number): void {
    for (let offset = row.at; offset < row.at + row.width; offset += 1) {
      const other = this.find(bank, offset);
      if (other !== undefined) {
        throw new Error(`register ${row.name} overlaps ${other.name} at offset ${offset} of bank ${bank}`);
      }
      this.slots[bank * this.length + offset] = row;
    }
  }

  private find(bank: number, offset: number): Row<State, Owner> | undefined {
    return offset >= 0 && offset < this.length ? this.slots[bank * this.length + offset] : undefined;
  }

  private gather(state: State, owner: Owner, bank: number, offset: number, width: Width, peek: boolean): number {
    let value = 0;
    let index = 0;
    while (index < width) {
      const row = this.find(bank, offset + index);
      if (row === undefined) {
        value |= this.unmapped << (8 * index);
        index += 1;
        continue;
      }
      const skip = offset + index - row.at;
      const count = Math.min(row.width - skip, width - index);
      value |= (row.readPart(state, owner, skip, peek) & partMask(count)) << (8 * index);
      index += count;
    }
    return value >>> 0;
  }
}

function partMask(bytes: number): number {
  return bytes === 4 ? 0xffff_ffff : (1 << (8 * bytes)) - 1;
}
