// SPDX-License-Identifier: BSD-2-Clause
import { fanOut, pulse, SharedLine } from '../../src/core/irq-line.js';
import { RecordingIrq } from '../support/recording-irq.js';

test('a shared line is high while any input is', () => {
  const wire = new RecordingIrq();
  const shared = new SharedLine(wire);
  const [a, b] = [shared.input(), shared.input()];
  a.set(true);
  b.set(true);
  a.set(false);
  expect(wire.level).toBe(true);
  b.set(false);
  expect(wire.sets).toEqual([true, true, true, false]);
  expect(wire.risingEdges).toBe(1);
});

test('adopting levels passes no set on', () => {
  const wire = new RecordingIrq();
  const shared = new SharedLine(fanOut(wire));
  const [a, b] = [shared.input(), shared.input()];
  a.adopt(true);
  b.adopt(false);
  expect(wire.sets).toEqual([]);
  expect(wire.adopted).toEqual([true, true]);
  expect(shared.level).toBe(true);
});

test('a pulse reaches every receiver of a fan-out', () => {
  const [a, b] = [new RecordingIrq(), new RecordingIrq()];
  pulse(fanOut(a, b));
  expect([a.sets, b.sets]).toEqual([
    [true, false],
    [true, false],
  ]);
});
