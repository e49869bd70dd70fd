// SPDX-License-Identifier: BSD-2-Clause
/** The native event queue, as JavaScript sees it. What native threads do with it is test/native/hostio's. */
import { Worker } from 'node:worker_threads';
import { addonPath, loadAddon } from '../../src/hypervisor/addon.js';
import type { Engine } from '../../src/hypervisor/hypervisor.js';
import { openNativeEngine, wakeEngine } from '../../src/hypervisor/native.js';
import { TRANSLATOR_DEFAULT } from '../../src/hypervisor/translator.js';

const FOR_EVER = 600_000;
let engine: Engine;

beforeEach(() => {
  engine = openNativeEngine('soft', {
    memory: [{ base: 0, length: 65536 }],
    clock: { kind: 'real' },
    tscHz: 1_000_000_000n,
    physicalAddressBits: 40,
    cpuid: new Uint32Array(0),
  });
});

afterEach(() => engine.close());

function events() {
  if (engine.events === null) throw new Error('the engine has no events');
  return engine.events;
}

test('a wake that came before the sleep is not lost', () => {
  const seen = events().wakes;
  wakeEngine(engine.id);
  events().wait(seen, FOR_EVER);
  expect(events().wakes).toBe(seen + 1);
});

test('a wake from another thread ends the sleep', async () => {
  const seen = events().wakes;
  const code = `const { workerData } = require('node:worker_threads'); require(workerData.path).wake(workerData.id);`;
  const worker = new Worker(code, { eval: true, workerData: { path: addonPath(), id: engine.id } });
  events().wait(seen, FOR_EVER);
  expect(events().wakes).toBe(seen + 1);
  await new Promise((resolve) => worker.on('exit', resolve));
});

test('an empty queue has nothing to take, and a sleep ends by itself', () => {
  events().wait(events().wakes, 1);
  expect(events().waitFor(0, 1)).toBe(false);
  expect(events().take()).toBeNull();
  expect(events().take(3)).toBeNull();
});

test('nonsense is refused by name', () => {
  const { Machine } = loadAddon();
  const options = { virtualClock: false, numerator: 1, denominator: 1, tscHz: 1n, physicalAddressBits: 40 };
  const machine = new Machine('soft', {
    ...options,
    cpuid: new Uint32Array(0),
    library: '',
    hostCpus: new Int32Array(0),
    translator: TRANSLATOR_DEFAULT,
  });
  expect(() => machine.takeEvents(new Float64Array(3) as unknown as Int32Array)).toThrow(
    'events: expected an Int32Array',
  );
  expect(() => machine.waitEvents(-1, 0)).toThrow('seen: expected an unsigned 64-bit integer');
  expect(machine.takeEvents(new Int32Array(2))).toBe(0);
  machine.close();
  expect(machine.wakeCount()).toBe(0);
});
