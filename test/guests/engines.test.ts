// SPDX-License-Identifier: BSD-2-Clause
/**
 * The guests that every engine runs: each prints what NAME.expected says, and ends in the same state to the last bit on
 * whichever engine it runs, and however engines take over from each other.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineConfig } from '../../src/machine/config.js';
import { comparable, differentPages, type EndState, OF_THE_MOMENT } from '../support/end-state.js';
import { type Cut, EngineRelay } from '../support/engine-relay.js';
import { canExchange, type EngineHere, enginesHere } from '../support/engines-here.js';
import { canBuildGuests, engineGuestNames, GuestBuilder, readExpectation } from './build-guest.js';

const CUTS = 12;
/** In the middle of what these guests compute. */
const LATER = 20_000n;
const COMPUTING = ['fpu', 'ring3', 'self-modifying'].map((name) => join('engines', name));
const DISK_BYTES = 64 * 1024;

const { engines, skipped } = enginesHere();
const suite = canBuildGuests() ? describe : describe.skip;
for (const reason of skipped) test.skip(reason, () => {});

suite('guests of every engine', () => {
  const builder = new GuestBuilder();
  const folder = mkdtempSync(join(tmpdir(), 'tsbhyve-engines-'));
  const disk = join(folder, 'disk.img');
  afterAll(() => {
    builder.remove();
    rmSync(folder, { recursive: true });
  });

  function run(name: string, turns: readonly EngineHere[], cuts: readonly Cut[] = []): EndState {
    writeFileSync(disk, Buffer.alloc(DISK_BYTES));
    const config: Partial<MachineConfig> = {
      cpus: readExpectation(name).cpus,
      memory: 8 * 1024 * 1024,
      tscHz: turns.map(({ tscHz }) => tscHz).find((rate) => rate !== null) ?? null,
      boot: { kernel: builder.build(name), commandLine: '' },
      pci: [
        { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
        { slot: 3, fn: 0, kind: 'virtio-blk', options: { path: disk } },
        { slot: 31, fn: 0, kind: 'lpc', options: {} },
      ],
    };
    const names = turns.map(({ engine }) => engine);
    return new EngineRelay(config, names[0] ?? 'soft').run(names, cuts);
  }

  const references = new Map<string, EndState>();
  /** How soft ends it, by itself. */
  function reference(name: string): EndState {
    const state = references.get(name) ?? run(name, engines.slice(0, 1));
    references.set(name, state);
    return state;
  }

  /** All through the guest: behind a character, and some time after one. */
  function cutsOf(name: string, { text }: EndState): Cut[] {
    return Array.from({ length: CUTS }, (_, index) => ({
      characters: Math.floor(text.length / (CUTS + 1)),
      later: COMPUTING.includes(name) && index % 4 === 3 ? LATER : 0n,
    }));
  }

  function expectSame(state: EndState, expected: EndState, who: readonly EngineHere[]): void {
    expect(state.text).toBe(expected.text);
    const names = who.map(({ engine }) => engine);
    expect(comparable(state, names)).toEqual(comparable(expected, names));
    expect(differentPages(state, expected)).toEqual([]);
  }

  /** What an engine lacks for a guest is told, not passed over. */
  function testGuests(title: string, who: readonly EngineHere[], check: (name: string) => void): void {
    for (const name of engineGuestNames) {
      const { needs, cpus } = readExpectation(name);
      const lacking = who.flatMap(({ engine, lacks, mostVcpus }) => [
        ...lacks.filter((feature) => needs.includes(feature)).map((feature) => `${engine} here lacks ${feature}`),
        ...(mostVcpus < cpus ? [`${engine} here has no more than ${mostVcpus} vCPU`] : []),
      ]);
      if (lacking.length === 0) test(`${name}: ${title}`, () => check(name));
      else test.skip(`${name}: ${title}: skipped: ${lacking.join(', ')}`, () => {});
    }
  }

  describe.each(engines.map((here): [string, EngineHere] => [here.engine, here]))('on %s', (_, here) => {
    testGuests('prints what it should', [here], (name) => {
      const state = run(name, [here]);
      expect(state.text).toBe(readExpectation(name).manual);
      expectSame(state, reference(name), [here]);
    });
  });

  test('all that is left out of the comparison is there', () => {
    const paths = engineGuestNames.flatMap((name) => Object.keys(reference(name).fields));
    expect(OF_THE_MOMENT.filter((leftOut) => !paths.some((path) => leftOut.paths.test(path)))).toEqual([]);
  });

  const pairs = engines.flatMap((one) =>
    engines.filter((other) => canExchange(one, other)).map((other) => [one.engine, other.engine, one, other] as const),
  );
  describe.each(pairs)('started on %s, taken over by %s again and again', (_, __, one, other) => {
    testGuests('ends with the same bits', [one, other], (name) => {
      const expected = reference(name);
      expectSame(run(name, [one, other], cutsOf(name, expected)), expected, [one, other]);
    });
  });
});
