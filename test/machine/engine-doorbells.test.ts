// SPDX-License-Identifier: BSD-2-Clause
import { MemoryBus } from '../../src/core/memory-bus.js';
import type { EngineEvent, EngineEvents } from '../../src/hypervisor/engine-events.js';
import { doorbellsOf } from '../../src/machine/engine-doorbells.js';
import { HostEvents } from '../../src/machine/host-events.js';

/** An engine whose doorbells are rung by hand. */
function make() {
  const waiting: EngineEvent[] = [];
  const queue: EngineEvents = {
    wakes: 0,
    wait: () => {},
    waitFor: () => waiting.length > 0,
    take: () => waiting.shift() ?? null,
  };
  const events = new HostEvents(queue);
  const hung = new Map<number, string>();
  let source = -1;
  const board = doorbellsOf(
    {
      open: (given) => {
        source = given;
      },
      add: (address, width, token) => hung.set(token, `${address.toString(16)}/${width}`),
      remove: (token) => hung.delete(token),
    },
    events,
  );
  const mmio = new MemoryBus();
  mmio.doorbells = board;
  const seen: string[] = [];
  const device = (name: string) => ({
    read: () => 0,
    write: (offset: number) => seen.push(`${name} write ${offset}`),
    doorbells: [0, 1].map((queueIndex) => ({
      offset: 0x10 + 4 * queueIndex,
      width: 2 as const,
      ring: () => seen.push(`${name} ${queueIndex}`),
    })),
  });
  const ring = (where: string): void => {
    const [token] = [...hung].find(([, at]) => at === where) ?? [];
    waiting.push({ source, token: token ?? -1, result: 0 });
  };
  return { mmio, board, events, hung, seen, device, ring };
}

test('a ring reaches the device that has the doorbell at that address, on the next dispatch', () => {
  const { mmio, events, seen, device, ring } = make();
  mmio.register('a', 0x1000, 0x100, device('a'));
  mmio.register('b', 0x2000, 0x100, device('b'));
  ring('2014/2');
  ring('1010/2');
  expect(seen).toEqual([]);
  events.dispatch();
  expect(seen).toEqual(['b 1', 'a 0']);
});

test('what was rung can be taken before the next dispatch', () => {
  const { mmio, board, seen, device, ring } = make();
  mmio.register('a', 0x1000, 0x100, device('a'));
  ring('1014/2');
  ring('1010/2');
  board?.takeRung();
  expect(seen).toEqual(['a 1', 'a 0']);
});

test('doorbells go and come with the range', () => {
  const { mmio, events, hung, seen, device, ring } = make();
  const unregister = mmio.register('a', 0x1000, 0x100, device('a'));
  ring('1010/2');
  unregister();
  expect(hung.size).toBe(0);
  events.dispatch(); // rung before the range moved
  expect(seen).toEqual(['a 0']);
  mmio.register('a', 0x5000, 0x100, device('a'));
  expect([...hung.values()]).toEqual(['5010/2', '5014/2']);
});

test('an engine without doorbells gives none', () => {
  expect(doorbellsOf(null, new HostEvents(null))).toBeNull();
});
