// SPDX-License-Identifier: BSD-2-Clause
import { refuseSignal, SignalHandler, SignalListener } from '../../src/cli/signals.js';

function handler() {
  const seen: string[] = [];
  const saver = {
    active: null as 'suspend' | 'snapshot' | null,
    isSuspended: false,
    save: async (kind: string, asked: string) => {
      seen.push(`${asked} ${kind}`);
    },
  };
  const vm = { powerOff: () => seen.push('plug') };
  const sigterm = { handle: () => seen.push('term') };
  const print = (line: string): void => {
    seen.push(line.split(':', 1)[0] ?? '');
  };
  return { seen, saver, signals: new SignalHandler({ vm, saver, sigterm }, print) };
}

test('SIGUSR1 suspends, SIGUSR2 takes a snapshot, SIGTERM has rules of its own', () => {
  const { seen, signals } = handler();
  signals.handle('SIGUSR1');
  signals.handle('SIGUSR2');
  signals.handle('SIGTERM');
  expect(seen).toEqual(['SIGUSR1 suspend', 'SIGUSR2 snapshot', 'term']);
});

test('a signal that comes twice is answered by what it has started; another one is not', () => {
  const { seen, saver, signals } = handler();
  saver.active = 'suspend';
  signals.handle('SIGUSR1');
  expect(seen).toEqual([]);
  signals.handle('SIGUSR2');
  expect(seen).toEqual(['SIGUSR2 snapshot']);
  saver.active = null;
  saver.isSuspended = true;
  signals.handle('SIGUSR1');
  expect(seen).toEqual(['SIGUSR2 snapshot']);
});

test.each(['SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('%s pulls the plug, and says so once', (signal) => {
  const { seen, signals } = handler();
  signals.handle(signal);
  signals.handle(signal);
  expect(seen).toEqual([signal, 'plug', 'plug']);
});

test('without a VM a wish is refused, and what has come true is not', () => {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  refuseSignal('SIGUSR1', true, print);
  refuseSignal('SIGTERM', false, print);
  expect(lines).toEqual([]);
  refuseSignal('SIGUSR1', false, print);
  refuseSignal('SIGUSR2', true, print);
  expect(lines).toEqual(['SIGUSR1: cannot suspend: there is no VM', 'SIGUSR2: cannot take a snapshot: there is no VM']);
});

test('there is a listener at every instant, or Node would forget what it has caught', () => {
  const { signals } = handler();
  const counts: number[] = [];
  const count = (event: string | symbol): void => {
    if (event === 'SIGUSR2') counts.push(process.listenerCount('SIGUSR2'));
  };
  const early = (): void => {};
  process.on('SIGUSR2', early);
  process.on('removeListener', count);
  try {
    new SignalListener(signals).listen(['SIGUSR2']);
  } finally {
    process.off('removeListener', count);
  }
  expect(counts).toEqual([1]);
  expect(process.listeners('SIGUSR2')).not.toContain(early);
  process.removeAllListeners('SIGUSR2');
});
