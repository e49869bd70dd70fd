// SPDX-License-Identifier: BSD-2-Clause
/** The table at the end, and what has to be reached. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly tsbhyve: number;
  /** Null where QEMU has nothing to compare. */
  readonly qemu: number | null;
  /** Columns of their own, by their heads. */
  readonly beside?: Readonly<Record<string, number>>;
  /** Null for what is only shown. */
  readonly bar: Bar | null;
}

export interface Bar {
  readonly text: string;
  readonly isMet: boolean;
}

export function atMost(value: number, limit: number, text: string): Bar {
  return { text, isMet: value <= limit };
}

export function atLeast(value: number, limit: number, text: string): Bar {
  return { text, isMet: value >= limit };
}

/** One value, for whoever does not wait for the row. */
export function measured(name: string, program: string, value: number, unit: string): string {
  return `${name}: ${program} ${shown(value)} ${unit}`;
}

/** A row by itself, for whoever does not wait for the table. */
export function line({ name, unit, tsbhyve, qemu, bar }: Row): string {
  const other = qemu === null ? '' : `, QEMU ${shown(qemu)}`;
  return `${name}: tsbhyve ${shown(tsbhyve)}${other} ${unit} ${verdict(bar)}`.trimEnd();
}

export function table(rows: readonly Row[], qemuVersion: string): string {
  const others = [...new Set(rows.flatMap(({ beside = {} }) => Object.keys(beside)))];
  const heads = ['', 'tsbhyve', `QEMU ${qemuVersion}`, ...others, 'unit', 'wanted', ''];
  const cells = rows.map(({ name, unit, tsbhyve, qemu, beside = {}, bar }) => {
    const numbers = [tsbhyve, qemu, ...others.map((head) => beside[head] ?? null)];
    return [
      name,
      ...numbers.map((value) => (value === null ? '-' : shown(value))),
      unit,
      bar?.text ?? '',
      verdict(bar),
    ];
  });
  const lines = [heads, ...cells];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = (column: number) => column >= 1 && column <= 2 + others.length;
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function verdict(bar: Bar | null): string {
  if (bar === null) return '';
  return bar.isMet ? 'ok' : 'MISSED';
}

function shown(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
