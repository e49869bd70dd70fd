// SPDX-License-Identifier: BSD-2-Clause
/** Boots a kernel with its first serial port on stdout: node dist/scripts/dev-boot.js KERNEL [INITRD] [--virtual] [--append TEXT] */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SinkLogger } from '../src/core/log.js';
import { buildMachine } from '../src/machine/build.js';
import { runUntilStopped } from '../src/machine/run.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    virtual: { type: 'boolean', default: false },
    append: { type: 'string', default: 'console=ttyS0 earlyprintk=ttyS0 panic=-1' },
    memory: { type: 'string', default: '256' },
    verbose: { type: 'boolean', default: false },
  },
});
const [kernel, initrd] = positionals;
if (kernel === undefined) throw new Error('usage: dev-boot KERNEL [INITRD] [--virtual] [--append TEXT] [--memory MIB]');

const log = new SinkLogger((level, scope, message) => {
  if (values.verbose || level !== 'debug') writeSync(2, `[${level}] ${scope} ${message}\n`);
});
const byte = new Uint8Array(1);
const com1 = {
  write(value: number): void {
    byte[0] = value;
    writeSync(1, byte);
  },
};
const machine = buildMachine(
  {
    memory: Number(values.memory) * 1024 * 1024,
    clock: values.virtual ? { kind: 'virtual', numerator: 1, denominator: 1 } : { kind: 'real' },
    boot: { kernel, ...(initrd !== undefined && { initrd }), commandLine: values.append },
  },
  { log, outputs: { com1 } },
);
const started = process.hrtime.bigint();
machine.powerOn();
machine.resume();
const reason = runUntilStopped(machine);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
console.error(
  `\n${JSON.stringify(reason)}: ${machine.instructions} instructions, VM time ${Number(machine.time) / 1e9} s, ` +
    `host time ${seconds.toFixed(2)} s, ${(Number(machine.instructions) / seconds / 1e6).toFixed(1)} million a second`,
);
machine.close();
