// SPDX-License-Identifier: BSD-2-Clause
import type { EngineEvent, EngineEvents } from '../../src/hypervisor/engine-events.js';
import { HostEvents } from '../../src/machine/host-events.js';

/** A queue in an array. */
class ArrayEvents implements EngineEvents {
  readonly events: EngineEvent[] = [];
  readonly waits: number[] = [];
  wakes = 7;

  wait(seen: number): void {
    this.waits.push(seen);
  }

  waitFor(source: number): boolean {
    return this.events.some((event) => event.source === source);
  }

  take(source?: number): EngineEvent | null {
    const at = this.events.findIndex((event) => source === undefined || event.source === source);
    return at < 0 ? null : (this.events.splice(at, 1)[0] ?? null);
  }
}

function make() {
  const queue = new ArrayEvents();
  const events = new HostEvents(queue);
  const seen: string[] = [];
  const sources = ['a', 'b'].map((name) => events.register((token, result) => seen.push(`${name} ${token} ${result}`)));
  const post = (which: number, token: number, result = 0): void => {
    queue.events.push({ source: sources[which] ?? -1, token, result });
  };
  return { queue, events, seen, sources, post };
}

test('every event reaches the handler of its source, in order', () => {
  const { events, seen, post } = make();
  post(1, 5);
  post(0, 6, -3);
  post(1, 7, 2);
  events.dispatch();
  expect(seen).toEqual(['b 5 0', 'a 6 -3', 'b 7 2']);
  events.dispatch();
  expect(seen).toHaveLength(3);
});

test('one source can be waited for alone; the others keep their events', () => {
  const { events, seen, sources, post } = make();
  const [, b = -1] = sources;
  post(0, 1);
  post(1, 2);
  post(1, 3);
  expect(events.dispatchOne(b, 10)).toBe(true);
  expect(seen).toEqual(['b 2 0']);
  events.dispatch();
  expect(seen).toEqual(['b 2 0', 'a 1 0', 'b 3 0']);
  expect(events.dispatchOne(b, 10)).toBe(false);
});

test('a handler that causes events for ever lets the guest run', () => {
  const queue = new ArrayEvents();
  const events = new HostEvents(queue);
  const source: number = events.register((token) => queue.events.push({ source, token: token + 1, result: 0 }));
  queue.events.push({ source, token: 0, result: 0 });
  events.dispatch();
  expect(queue.events).toHaveLength(1);
});

test('an event of a source that nobody registered is nobody’s', () => {
  const { events, queue, seen } = make();
  queue.events.push({ source: 99, token: 0, result: 0 });
  events.dispatch();
  expect(seen).toEqual([]);
});

test('sleeps with the wakes that were seen; without a queue nothing ever happens', () => {
  const { events, queue } = make();
  events.sleep(events.wakes, 1000);
  expect(queue.waits).toEqual([7]);
  const none = new HostEvents(null);
  none.sleep(none.wakes, 1);
  none.dispatch();
  expect(
    none.dispatchOne(
      none.register(() => {}),
      1,
    ),
  ).toBe(false);
});
