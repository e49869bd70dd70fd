// SPDX-License-Identifier: BSD-2-Clause
/** A run with inputs at moments that nobody chose, and the same run from its recording. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SinkLogger } from '../../../src/core/log.js';
import { buildMachine } from '../../../src/machine/build.js';
import type { MachineConfig } from '../../../src/machine/config.js';
import type { Inputs } from '../../../src/machine/inputs/inputs.js';
import { RecordedInputs } from '../../../src/machine/inputs/recorded-inputs.js';
import { ReplayedInputs } from '../../../src/machine/inputs/replayed-inputs.js';
import type { Machine } from '../../../src/machine/machine.js';
import type { CommandName } from '../../../src/machine/thread-messages.js';
import { echoKernel } from '../../support/echo-kernel.js';
import { randomNumbers } from '../../support/random.js';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
  writeFileSync(join(folder, 'kernel'), echoKernel());
});
afterAll(() => rmSync(folder, { recursive: true }));

const machines: Machine[] = [];
afterEach(() => {
  for (const machine of machines.splice(0)) machine.close();
});

const newFile = (): string => join(folder, `inputs-${count++}`);

interface Run {
  readonly machine: Machine;
  readonly output: number[];
  readonly lines: string[];
  readonly log: SinkLogger;
}

function build(live: boolean, config: Partial<MachineConfig> = {}): Run {
  const [output, lines]: [number[], string[]] = [[], []];
  const log = new SinkLogger((_level, _scope, message) => lines.push(message));
  const machine = buildMachine(
    {
      memory: 2 * 1024 * 1024,
      clock: { kind: 'virtual', numerator: 1, denominator: 3 },
      boot: { kernel: join(folder, 'kernel'), commandLine: '' },
      ...config,
    },
    { log, live, outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits: true },
  );
  machines.push(machine);
  machine.powerOn();
  return { machine, output, lines, log };
}

function type(inputs: Inputs, machine: Machine, text: string): unknown {
  const bytes = new TextEncoder().encode(text);
  return inputs.take('type', ['com1', bytes], () => machine.type('com1', bytes));
}

/** Types at moments that a seed chooses, with pauses among them, and switches off. */
function record(path: string, seed: number): Run {
  const run = build(true);
  const { machine } = run;
  const random = randomNumbers(seed);
  const inputs = new RecordedInputs(machine, run.log, path);
  type(inputs, machine, 'begin');
  machine.resume();
  for (const word of ['one', 'two', '', 'six', 'q']) {
    machine.runSlice(machine.time + BigInt(1 + Math.floor(random() * 5_000)));
    if (word === '') {
      machine.pause();
      type(inputs, machine, 'held');
      machine.resume();
    } else {
      type(inputs, machine, word);
    }
  }
  while (inputs.runSlice() !== 'stopped');
  inputs.end();
  return run;
}

function replay(path: string, config: Partial<MachineConfig> = {}): Run & { readonly inputs: ReplayedInputs } {
  const run = build(false, config);
  const { machine } = run;
  const inputs = new ReplayedInputs(machine, run.log, path, (name: CommandName, [port, bytes]) => {
    expect([name, port]).toEqual(['type', 'com1']);
    return machine.type('com1', bytes as Uint8Array);
  });
  return { ...run, inputs };
}

function runOut({ machine, inputs }: ReturnType<typeof replay>): void {
  machine.resume();
  while (machine.state === 'running') inputs.runSlice();
  inputs.end();
}

const evidence = ({ machine, output }: Run) => ({
  text: Buffer.from(output).toString('latin1'),
  instructions: machine.instructions,
  time: machine.time,
  exits: machine.parts.hash?.digest(),
  devices: machine.parts.board.devices.map((device) => device.serialize()),
});

test.each([1, 2, 3, 4, 5])('a replay is the recorded run to the last bit (seed %i)', (seed) => {
  const path = newFile();
  const recorded = record(path, seed);
  const replayed = replay(path);
  runOut(replayed);
  expect(evidence(replayed)).toEqual(evidence(recorded));
  expect(evidence(replayed).text).toContain('held');
  expect(replayed.lines.at(-1)).toMatch(/to its end: all is as recorded$/);
});

test('a guest that is switched off from outside is so in its replay', () => {
  const path = newFile();
  const recorded = build(true);
  const inputs = new RecordedInputs(recorded.machine, recorded.log, path);
  recorded.machine.resume();
  recorded.machine.runSlice(1_234n);
  inputs.take('powerOff', [], () => recorded.machine.powerOff());
  inputs.end();
  const replayed = replay(path);
  runOut(replayed);
  expect(replayed.machine.stopReason).toEqual({ kind: 'requested' });
  expect(evidence(replayed)).toEqual(evidence(recorded));
});

test('nothing else comes in during a replay', () => {
  const path = newFile();
  const recorded = record(path, 7);
  const replayed = replay(path);
  const never = (): never => {
    throw new Error('came in');
  };
  const refused = /^the VM replays .* and takes no other input$/;
  expect(type(replayed.inputs, replayed.machine, 'more')).toBe(4);
  expect(replayed.inputs.take('typeAll', ['com1', new Uint8Array(3)], never)).toBeUndefined();
  expect(replayed.inputs.take('pressPowerButton', [], never)).toBe(false);
  expect(replayed.inputs.take('setBalloon', [0n], never)).toMatch(refused);
  expect(() => replayed.inputs.take('injectNmi', [], never)).toThrow(refused);
  runOut(replayed);
  expect(evidence(replayed)).toEqual(evidence(recorded));
  expect(replayed.lines[0]).toMatch(/takes no other input$/);
});

test('a file that breaks off is followed up to there', () => {
  const path = newFile();
  record(path, 8);
  writeFileSync(path, readFileSync(path).subarray(0, -5));
  const replayed = replay(path);
  runOut(replayed);
  expect(replayed.lines).toEqual([expect.stringMatching(/without saying how the run went on$/)]);
});

test('another machine, a damaged file and no recording are refused', () => {
  const path = newFile();
  record(path, 9);
  expect(() => replay(path, { memory: 4 * 1024 * 1024 })).toThrow(/recorded with memory 2097152, here it is 4194304$/);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
  writeFileSync(path, bytes);
  expect(() => replay(path)).toThrow(/damaged before byte \d+: a record that is not what was written$/);
  expect(() => replay(join(folder, 'kernel'))).toThrow('not a recording of inputs of version 1');
  expect(() => replay(join(folder, 'nothing'))).toThrow('cannot read it: no such file or directory');
});

test('a guest that does something else is noticed', () => {
  const path = newFile();
  record(path, 10);
  const replayed = replay(path);
  replayed.machine.typeAll('com1', Uint8Array.of(0x71)); // the guest switches itself off
  expect(() => runOut(replayed)).toThrow(
    /this run is another one: recorded \d+ instructions at \d+ ns, here it stopped/,
  );
});

test('the real clock and a file that is there are refused', () => {
  const { machine, log } = build(true, { clock: { kind: 'real' } });
  expect(() => new RecordedInputs(machine, log, newFile())).toThrow('record: needs the virtual clock');
  const path = newFile();
  writeFileSync(path, '');
  const other = build(true);
  expect(() => new RecordedInputs(other.machine, other.log, path)).toThrow('cannot make it: file already exists');
});
