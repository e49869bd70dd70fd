// SPDX-License-Identifier: BSD-2-Clause
/**
 * A process that loads spoiled states, `<kind> <first seed> <count>`, and runs what can be loaded for a little. It prints
 * each seed before it is tried, then what is wrong with it; a crash or a hang is seen from outside. Last come the outcomes
 * and the memory that all of it took.
 */
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type CborMap, type CborValue, decode, encode, isMap } from '../../../src/core/cbor.js';
import { StateError } from '../../../src/core/state-error.js';
import { buildMachine } from '../../../src/machine/build.js';
import type { Machine } from '../../../src/machine/machine.js';
import { saveTree } from '../../../src/machine/machine-state.js';
import { shapes } from '../../../src/machine/state-registry.js';
import { loadMachine } from '../../../src/snapshot/load-machine.js';
import { saveMachine } from '../../../src/snapshot/save-machine.js';
import { SnapshotError } from '../../../src/snapshot/snapshot-error.js';
import { SnapshotStore } from '../../../src/snapshot/store.js';
import { SCRATCH } from '../../crash/support/shim.js';
import { arbitraryState } from '../../support/arbitrary-state.js';
import { anyBytes, anyWord, mutated, number, pick } from '../../support/mutate-state.js';
import { advance } from '../../support/proof.js';
import { randomNumbers } from '../../support/random.js';
import { loadTickGuest } from '../../support/tick-guest.js';
import { forge } from './forge.js';
import { MEMORY, MS } from './tick-subject.js';

type Random = () => number;
type Tree = { vcpu: CborMap & { fields: CborMap }; devices: CborMap };

const TLB_ENTRIES = 8192;

/** Every device with a state, and more clock arithmetic than a ratio of one has. */
function build(): Machine {
  const clock = { kind: 'virtual', numerator: 3, denominator: 7 } as const;
  const machine = buildMachine({ memory: MEMORY, clock, pcTestdev: true }, {});
  loadTickGuest(machine);
  advance(machine, 5n * MS + 77n);
  return machine;
}

/** A private section of the soft engine that is right in its form, with any translations. */
function anyPrivate(old: Uint8Array, random: Random): Uint8Array {
  const head = new BigUint64Array(old.slice(0, 6 * 8).buffer);
  for (let at = 1; at < 5; at += 1) if (random() < 0.2) head[at] = anyWord(random);
  const words = [...head];
  for (let tlb = 0; tlb < 2; tlb += 1) {
    const places = Array.from({ length: TLB_ENTRIES }, (_, index) => index).filter(() => random() < 0.7);
    words.push(BigInt(places.length));
    for (const index of places) {
      const linear = (pick(random, [0n, anyWord(random)]) & ~0x1ff_ffffn) | (BigInt(index) << 12n);
      const physical = pick(random, [BigInt(index) << 12n, anyWord(random) & ~0xfffn, 0xffff_f000n, 0x1f_f000n]);
      const shift = BigInt(12 + Math.floor(random() * 19));
      words.push(linear, physical, (shift << 24n) | (BigInt(Math.floor(random() * 32)) << 16n));
    }
  }
  return new Uint8Array(BigUint64Array.from(words).buffer);
}

/** Bits that the engine takes, by name: whatever is wider is refused, and mostly we want to come further. */
const WIDTHS: readonly (readonly [RegExp, bigint])[] = [
  [/selector$|^[gi]dtr_limit$/, 0xffffn],
  [/limit$|attributes$|^pending_debug$|^id$|destination|^trigger_mode$|^initial_count$/, 0xffff_ffffn],
  [/shadow$|^nmi_|^external_|_pending$|_running$/, 1n],
  [/^in_service$|^request$|^ended_levels$/, 0xffff_0000n],
  [/^rflags$/, 0x37_7fd7n],
  [/^xcr0$|^run_state$/, 3n],
  [/^cr8$|^divide/, 0xfn],
  [/^sipi_vector$|^task_priority$|^error_/, 0xffn],
  [/^spurious$/, 0x13ffn],
  [/^lvt$/, 0x7_ffffn],
  [/^base$/, 0xfee0_0900n],
];

function anyVcpu({ fields, ...rest }: Tree['vcpu'], random: Random): Tree['vcpu'] {
  const chance = pick(random, [0.02, 0.1, 0.5, 1]);
  const word = (name: string, value: CborValue): CborValue => {
    if (Array.isArray(value)) return value.map((item) => word(name, item));
    if (random() >= chance) return value;
    const [, bits = -1n] = WIDTHS.find(([pattern]) => pattern.test(name)) ?? [];
    return number(anyWord(random) & (random() < 0.999 ? bits : -1n));
  };
  const words = (map: CborValue | undefined): CborMap =>
    Object.fromEntries(Object.entries((map ?? {}) as CborMap).map(([name, value]) => [name, word(name, value)]));
  const spoil: Record<string, () => CborMap> = {
    registers: () => ({ registers: words(fields.registers) }),
    lapic: () => ({ lapic: words(fields.lapic) }),
    time: () => ({ time: number(anyWord(random)) }),
    msrs: () => ({ msrs: (fields.msrs as CborMap[]).map((pair) => ({ ...pair, value: word('', pair.value ?? 0) })) }),
    xsave: () => ({ xsave: anyXsave(random) }),
    private: () => ({ private: anyPrivate(fields.private as Uint8Array, random) }),
  };
  const parts = Object.values(spoil).filter(() => random() < 0.3);
  return { ...rest, fields: Object.assign({ ...fields }, ...parts.map((part) => part())) };
}

function anyXsave(random: Random): Uint8Array {
  const image = new Uint8Array(512 + 64);
  image.set(anyBytes(random, 512));
  image[26] = image[27] = 0; // the upper half of MXCSR
  image[512] = Math.floor(random() * 4); // XSTATE_BV
  return image;
}

function anyDevices(devices: CborMap, random: Random): CborMap {
  const seed = Math.floor(random() * 2 ** 31);
  return Object.fromEntries(
    Object.entries(devices).map(([id, saved]) => {
      const shape = shapes.find(({ kind }) => isMap(saved) && saved.kind === kind)?.describe();
      if (shape === undefined || random() < 0.8) return [id, saved];
      return [id, fc.sample(arbitraryState(shape), { numRuns: 1, seed })[0] ?? saved];
    }),
  );
}

const KINDS: Readonly<Record<string, (tree: Tree, random: Random) => CborValue>> = {
  fields: (tree, random) => {
    let spoiled: CborValue = tree;
    for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) spoiled = mutated(spoiled, random);
    return spoiled;
  },
  devices: ({ vcpu, devices }, random) => ({ vcpu, devices: anyDevices(devices, random) }),
  vcpu: ({ vcpu, devices }, random) => ({ vcpu: anyVcpu(vcpu, random), devices }),
  all: ({ vcpu, devices }, random) => ({ vcpu: anyVcpu(vcpu, random), devices: anyDevices(devices, random) }),
};

/** What became of it, in a word or two. */
function outcome(machine: Machine): string {
  try {
    machine.resume();
    const end = machine.time + 20n * MS;
    machine.runSlice(end);
    if (machine.state === 'stopped') return `stopped: ${machine.stopReason?.kind}`;
    machine.pause();
    encode(saveTree(machine));
    return 'ran';
  } finally {
    machine.close();
  }
}

const [, , kind = '', first = '', count = ''] = process.argv;
const scratch = mkdtempSync(join(SCRATCH, 'tsbhyve-hostile-'));
try {
  const store = new SnapshotStore(join(scratch, 'store'));
  const original = build();
  const tree = saveTree(original) as Tree; // what this very program saves
  const { folder } = saveMachine(original, store, 'one');
  original.close();
  const outcomes = new Map<string, number>();
  const before = process.resourceUsage().maxRSS;
  for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
    writeSync(1, `seed ${seed}\n`);
    const spoil = KINDS[kind];
    if (spoil === undefined) throw new Error(`${kind}: expected ${Object.keys(KINDS).join(', ')}`);
    const bytes = encode(spoil(decode(encode(tree)) as Tree, randomNumbers(seed)));
    forge(folder, 'state', bytes);
    let result: string;
    try {
      result = outcome(loadMachine(store, 'one', { trust: 'foreign' }).machine);
    } catch (error) {
      if (error instanceof SnapshotError) result = 'refused';
      else if (error instanceof StateError) result = `not saved again: ${error.path}`;
      else {
        result = 'PROBLEM';
        writeSync(1, `PROBLEM ${error instanceof Error ? error.stack : String(error)}\n`);
      }
    }
    outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
  }
  const memory = Math.round((process.resourceUsage().maxRSS - before) / 1024);
  writeSync(1, `${JSON.stringify({ outcomes: Object.fromEntries(outcomes), memory })}\n`);
} finally {
  rmSync(scratch, { recursive: true });
}
