// SPDX-License-Identifier: BSD-2-Clause
import { SignalHandler } from '../../src/cli/signals.js';

function handler() {
  const seen: string[] = [];
  const time = { now: 5000 };
  const target = {
    pressPowerButton: () => seen.push('button'),
    powerOff: () => seen.push('plug'),
    save: (kind: string, asked: string) => seen.push(`${asked} ${kind}`),
  };
  const print = (line: string): void => {
    seen.push(line.split(':', 1)[0] ?? '');
  };
  return { seen, time, signals: new SignalHandler(target, print, () => time.now) };
}

test('SIGTERM presses the power button once; a second one within a second is the same press', () => {
  const { seen, time, signals } = handler();
  signals.handle('SIGTERM');
  time.now += 999;
  signals.handle('SIGTERM');
  expect(seen).toEqual(['button']);
});

test('a later SIGTERM pulls the plug', () => {
  const { seen, time, signals } = handler();
  signals.handle('SIGTERM');
  time.now += 1000;
  signals.handle('SIGTERM');
  expect(seen).toEqual(['button', 'SIGTERM again', 'plug']);
});

test('SIGUSR1 suspends, SIGUSR2 takes a snapshot', () => {
  const { seen, signals } = handler();
  signals.handle('SIGUSR1');
  signals.handle('SIGUSR2');
  expect(seen).toEqual(['SIGUSR1 suspend', 'SIGUSR2 snapshot']);
});

test.each(['SIGINT', 'SIGHUP', 'SIGQUIT'] as const)('%s pulls the plug', (signal) => {
  const { seen, signals } = handler();
  signals.handle(signal);
  expect(seen).toEqual([signal, 'plug']);
});
