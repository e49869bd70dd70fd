// SPDX-License-Identifier: BSD-2-Clause
import { nullLogger, SinkLogger } from '../../src/core/log.js';

function record() {
  const lines: string[] = [];
  return { lines, log: new SinkLogger((level, scope, message) => lines.push(`${level} [${scope}] ${message}`)) };
}

test('messages carry level and scope', () => {
  const { lines, log } = record();
  log.info('hello');
  log.scoped('vm').scoped('com1').warn('odd divisor');
  expect(lines).toEqual(['info [] hello', 'warn [vm.com1] odd divisor']);
});

test('once speaks once per key, and a guest cannot make up keys for ever', () => {
  const { lines, log } = record();
  for (let i = 0; i < 3; i += 1) log.once('port 0x80').debug('unmapped');
  expect(lines).toHaveLength(1);
  for (let i = 0; i < 5000; i += 1) log.once(`port ${i}`).debug('unmapped');
  expect(lines).toHaveLength(1000);
});

test('the null logger stays silent in every scope', () => {
  expect(nullLogger.scoped('x').once('y')).toBe(nullLogger);
  expect(() => nullLogger.error('nothing')).not.toThrow();
});
