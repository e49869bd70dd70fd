// SPDX-License-Identifier: BSD-2-Clause
import { type Pending, runSteps, StepRunner, type Steps } from '../../src/snapshot/steps.js';

/** Ends at the given look. */
function pending(looks: number, events: string[]): Pending {
  let left = looks;
  return {
    wait: () => {
      left -= 1;
      return left <= 0;
    },
    stop: () => events.push('stopped'),
    done: () => looks - Math.max(left, 0),
    total: () => looks,
  };
}

function* work(events: string[]): Steps<string> {
  try {
    yield pending(1, events);
    events.push('first');
    yield pending(3, events);
    events.push('second');
    return 'made';
  } catch (error) {
    events.push('undone');
    throw error;
  }
}

test('work is done step by step, with progress of each', () => {
  const events: string[] = [];
  const onProgress = (done: number, total: number) => events.push(`${done}/${total}`);
  expect(runSteps(work(events), 'x', { onProgress })).toBe('made');
  expect(events).toEqual(['1/1', 'first', '1/3', '2/3', '3/3', 'second']);
});

test('cancelled work stops what it waits for and undoes what it did', () => {
  const events: string[] = [];
  const isCancelled = () => events.includes('first');
  expect(() => runSteps(work(events), 'place', { isCancelled })).toThrow('place: cancelled');
  expect(events).toEqual(['first', 'stopped', 'undone']);
});

test('a watcher that fails ends the work with its own error', () => {
  const events: string[] = [];
  const onProgress = () => {
    throw new Error('watcher');
  };
  expect(() => runSteps(work(events), 'x', { onProgress })).toThrow('watcher');
  expect(events).toEqual(['stopped', 'undone']);
});

test('there is no result before the end', () => {
  const runner = new StepRunner(work([]));
  expect(() => runner.result).toThrow('has not ended');
});
