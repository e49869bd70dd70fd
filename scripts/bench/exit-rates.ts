// SPDX-License-Identifier: BSD-2-Clause
/** Prints how many exits of each class an engine makes in a second: node exit-rates.js ENGINE TSC-HZ|- */
import { buildMachine } from '../../src/machine/build.js';
import { sleepIdle } from '../../src/machine/run.js';
import { BATCH, configFor, EXIT_CLASSES, type ExitClass, loadExitGuest } from './exit-guest.js';

/** JavaScript and caches become warm. */
const WARM_MS = 500;
const MEASURED_MS = 1500;
/** A guest that says nothing for so long is not going to. */
const SILENCE_MS = 20_000;

function rate(engine: string, tscHz: bigint | null, kind: ExitClass): number {
  let dots = 0;
  const machine = buildMachine(
    { ...configFor(kind), engine, tscHz },
    { outputs: { com1: { write: () => (dots += 1) } } },
  );
  const runFor = (milliseconds: number): void => {
    const started = performance.now();
    const before = dots;
    while (performance.now() - started < milliseconds || dots === before) {
      if (performance.now() - started > SILENCE_MS) throw new Error(`${kind} on ${engine}: the guest stands still`);
      const seen = machine.parts.events.wakes;
      const end = machine.runSlice();
      if (end === 'stopped') throw new Error(`${kind} on ${engine}: ${JSON.stringify(machine.stopReason)}`);
      if (end === 'idle') sleepIdle(machine, seen);
    }
  };
  try {
    loadExitGuest(machine, kind);
    machine.resume();
    runFor(WARM_MS);
    const [started, before] = [performance.now(), dots];
    runFor(MEASURED_MS);
    return (1000 * BATCH * (dots - before)) / (performance.now() - started);
  } finally {
    machine.close();
  }
}

const [engine = 'soft', tscHz = '-'] = process.argv.slice(2);
const rates = EXIT_CLASSES.map((kind) => [kind, rate(engine, tscHz === '-' ? null : BigInt(tscHz), kind)]);
console.log(JSON.stringify(Object.fromEntries(rates)));
