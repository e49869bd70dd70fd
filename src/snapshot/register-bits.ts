// SPDX-License-Identifier: BSD-2-Clause
/** Names of bits in registers that are read bit by bit: SDM volume 3, sections 2.3 (RFLAGS), 2.5 (CR0, CR4), 2.2.1 (EFER). */

type BitNames = Readonly<Record<number, string>>;

// biome-ignore format: a table
const RFLAGS: BitNames = {
  0: 'CF', 2: 'PF', 4: 'AF', 6: 'ZF', 7: 'SF', 8: 'TF', 9: 'IF', 10: 'DF', 11: 'OF', 14: 'NT', 16: 'RF', 17: 'VM',
  18: 'AC', 19: 'VIF', 20: 'VIP', 21: 'ID',
};

// biome-ignore format: a table
const CR0: BitNames = {
  0: 'PE', 1: 'MP', 2: 'EM', 3: 'TS', 4: 'ET', 5: 'NE', 16: 'WP', 18: 'AM', 29: 'NW', 30: 'CD', 31: 'PG',
};

// biome-ignore format: a table
const CR4: BitNames = {
  0: 'VME', 1: 'PVI', 2: 'TSD', 3: 'DE', 4: 'PSE', 5: 'PAE', 6: 'MCE', 7: 'PGE', 8: 'PCE', 9: 'OSFXSR', 10: 'OSXMMEXCPT',
  11: 'UMIP', 12: 'LA57', 16: 'FSGSBASE', 17: 'PCIDE', 18: 'OSXSAVE', 20: 'SMEP', 21: 'SMAP',
};

const EFER: BitNames = { 0: 'SCE', 8: 'LME', 10: 'LMA', 11: 'NXE' };

const TABLES = new Map<string, BitNames>([
  ['vcpu.registers.rflags', RFLAGS],
  ['vcpu.registers.cr0', CR0],
  ['vcpu.registers.cr4', CR4],
  ['vcpu.registers.efer', EFER],
]);

/** The bits that differ, as `+IF -ZF`; empty for a field that is no set of bits. */
export function changedBits(path: string, before: bigint, after: bigint): string {
  const names = TABLES.get(path);
  if (names === undefined) return '';
  const words: string[] = [];
  for (let bit = 0; bit < 64; bit += 1) {
    const was = (before >> BigInt(bit)) & 1n;
    const is = (after >> BigInt(bit)) & 1n;
    if (was !== is) words.push(`${is === 1n ? '+' : '-'}${names[bit] ?? `bit${bit}`}`);
  }
  return words.join(' ');
}
