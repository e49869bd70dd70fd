// SPDX-License-Identifier: BSD-2-Clause
/**
 * bhyve's configuration variables (bhyve_config(5)): dotted names with text values. Every option letter is a
 * shorthand for some of them, later settings replace earlier ones, and %(name) in a value stands for another value.
 */
import { UsageError } from './usage-error.js';

const TRUE_WORDS = ['true', 'on', 'yes', '1'];
const FALSE_WORDS = ['false', 'off', 'no', '0'];
/** Variables may refer to variables that refer to others; only a cycle goes deeper than this. */
const DEEPEST_EXPANSION = 16;

export class ConfigTree {
  private readonly values = new Map<string, string>();

  set(name: string, value: string): void {
    this.values.set(name, value);
  }

  get(name: string): string | undefined {
    const value = this.values.get(name);
    return value === undefined ? undefined : this.expand(name, value, 0);
  }

  bool(name: string, byDefault: boolean): boolean {
    const value = this.get(name);
    if (value === undefined) return byDefault;
    const word = value.toLowerCase();
    if (TRUE_WORDS.includes(word)) return true;
    if (FALSE_WORDS.includes(word)) return false;
    throw new UsageError(
      name,
      `'${value}' is neither true (${TRUE_WORDS.join(', ')}) nor false (${FALSE_WORDS.join(', ')})`,
    );
  }

  oneOf<const Word extends string>(name: string, words: readonly Word[], byDefault: Word): Word {
    const value = this.get(name) ?? byDefault;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw new UsageError(name, `unknown value '${value}'; accepted are ${words.join(', ')}`);
    return word;
  }

  /** A whole number from `min` to `max`. */
  number(name: string, byDefault: number, min: number, max: number): number {
    const value = this.get(name);
    if (value === undefined) return byDefault;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) {
      throw new UsageError(name, `'${value}' is not a whole number from ${min} to ${max}`);
    }
    return number;
  }

  /** The names directly below `path`: for `pci.0`, the slots. */
  children(path: string): string[] {
    const prefix = `${path}.`;
    const found = new Set<string>();
    for (const name of this.values.keys()) {
      if (name.startsWith(prefix)) found.add(name.slice(prefix.length).split('.', 1)[0] ?? '');
    }
    return [...found];
  }

  /** All names below `path`, however deep, without `path` itself. */
  below(path: string): string[] {
    const prefix = `${path}.`;
    return [...this.values.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  }

  /** Every variable in the form a configuration file has, sorted by name. */
  dump(): string {
    const lines = [...this.values.keys()].sort().map((name) => `${name}=${this.get(name)}\n`);
    return lines.join('');
  }

  private expand(name: string, value: string, depth: number): string {
    if (depth > DEEPEST_EXPANSION) throw new UsageError(name, `'%(...)' refers to itself in '${value}'`);
    return value.replace(/%\(([^)]*)\)/g, (_, inner: string) => {
      const found = this.values.get(inner);
      if (found === undefined) throw new UsageError(name, `'%(${inner})' names a variable that is not set`);
      return this.expand(name, found, depth + 1);
    });
  }
}
