// SPDX-License-Identifier: BSD-2-Clause
/**
 * The guests that every engine runs: each prints what NAME.expected says, and ends in the same state to the last bit on
 * whichever engine it runs, and however engines take over from each other.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineConfig } from '../../src/machine/config.js';
import { type Cut, differentPages, type EndState, EngineRelay } from '../support/engine-relay.js';
import { type EngineHere, enginesHere } from '../support/engines-here.js';
import { canBuildGuests, engineGuestNames, GuestBuilder, readExpectation } from './build-guest.js';

const CUTS = 12;
/** In the middle of what these guests compute. */
const LATER = 20_000n;
const COMPUTING = ['fpu', 'ring3', 'self-modifying'].map((name) => join('engines', name));
const DISK_BYTES = 64 * 1024;

const { engines, skipped, tscHz } = enginesHere();
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

  function run(name: string, turns: readonly string[], cuts: readonly Cut[] = []): EndState {
    writeFileSync(disk, Buffer.alloc(DISK_BYTES));
    const config: Partial<MachineConfig> = {
      memory: 8 * 1024 * 1024,
      tscHz,
      boot: { kernel: builder.build(name), commandLine: '' },
      pci: [
        { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
        { slot: 3, fn: 0, kind: 'virtio-blk', options: { path: disk } },
        { slot: 31, fn: 0, kind: 'lpc', options: {} },
      ],
    };
    return new EngineRelay(config, turns[0] ?? 'soft').run(turns, cuts);
  }

  const references = new Map<string, EndState>();
  function reference(name: string): EndState {
    const state = references.get(name) ?? run(name, ['soft']);
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

  function expectSame(state: EndState, expected: EndState): void {
    const { memory: _, ...rest } = state;
    const { memory: __, ...wanted } = expected;
    expect(rest).toEqual(wanted);
    expect(differentPages(state, expected)).toEqual([]);
  }

  /** What an engine lacks for a guest is told, not passed over. */
  function testGuests(title: string, who: readonly EngineHere[], check: (name: string) => void): void {
    for (const name of engineGuestNames) {
      const { native } = readExpectation(name);
      const lacking = native === null ? undefined : who.find(({ isNative }) => !isNative);
      if (lacking === undefined) test(`${name}: ${title}`, () => check(name));
      else test.skip(`${name}: ${title}: skipped: ${lacking.engine} here has no ${native}`, () => {});
    }
  }

  describe.each(engines.map((here): [string, EngineHere] => [here.engine, here]))('on %s', (engine, here) => {
    testGuests('prints what it should', [here], (name) => {
      const state = run(name, [engine]);
      expect(state.text).toBe(readExpectation(name).manual);
      expectSame(state, reference(name));
    });
  });

  const pairs = engines.flatMap((one) =>
    engines.map((other): [string, string, EngineHere[]] => [one.engine, other.engine, [one, other]]),
  );
  describe.each(pairs)('started on %s, taken over by %s again and again', (one, other, both) => {
    testGuests('ends with the same bits', both, (name) => {
      const expected = reference(name);
      expectSame(run(name, [one, other], cutsOf(name, expected)), expected);
    });
  });
});
