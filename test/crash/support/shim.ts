// SPDX-License-Identifier: BSD-2-Clause
/** A folder that is watched while programs change it: test/native/crash-shim, compiled and loaded into them. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { type Change, parseLog } from './store-log.js';

/** Memory, where there is such a place: nothing of this has to survive anything. */
export const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** The shim steps into the calls of glibc. */
export const canShim = process.platform === 'linux' && isGlibc();

/** `full`: all later calls that take space fail too. `always`: all later calls do. `short`: writes do half of their work. */
export type Manner = 'once' | 'full' | 'always' | 'short';

export class WatchedFolder {
  /** What is watched. */
  readonly root: string;
  private readonly own: string;
  private readonly log: string;
  private readonly faults: string;
  private readonly shim: string;
  private generation = 0;

  constructor(parent = SCRATCH) {
    this.own = realpathSync(mkdtempSync(join(parent, 'tsbhyve-crash-')));
    this.root = join(this.own, 'watched');
    this.log = join(this.own, 'log');
    this.faults = join(this.own, 'fault');
    mkdirSync(this.root);
    writeFileSync(this.log, '');
    writeFileSync(this.faults, '');
    this.shim = join(this.own, 'shim.so');
    built ??= build(this.shim);
    if (!existsSync(this.shim)) writeFileSync(this.shim, built);
  }

  /** For a process that is to be watched. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: this.shim,
      CRASH_SHIM_ROOT: this.root,
      CRASH_SHIM_LOG: this.log,
      CRASH_SHIM_FAULT: this.faults,
      UV_USE_IO_URING: '0', // calls that go around libc are not seen
    };
  }

  /** Runs a compiled program of this folder to its end, and answers what it printed. */
  run(program: string, ...words: string[]): string {
    const path = join(packageRoot(), 'dist/test/crash/support', program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...words], {
      env: { ...process.env, ...this.environment },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  }

  /** `before`: files that were made by others, earlier; they are objects 1 and so on, empty at first. */
  changes(...before: readonly string[]): Change[] {
    const root = statSync(this.root).ino;
    const made = before.map((name) => `create ${root} ${name} ${statSync(join(this.root, name)).ino} 384\n`);
    return parseLog(made.join('') + readFileSync(this.log, 'utf8'), root);
  }

  /** Notes something between the changes, for a watched process that cannot do it itself. */
  mark(text: string): void {
    appendFileSync(this.log, `mark ${text}\n`);
  }

  /** How many calls were made that can be made to fail. */
  get callsMade(): number {
    const lines = readFileSync(this.log, 'utf8').split('\n');
    return lines.filter((line) => line !== '' && !/^(unknown|mark|fault)/.test(line)).length;
  }

  get hadFault(): boolean {
    return readFileSync(this.log, 'utf8').split('\n').includes('fault');
  }

  /** The n-th call from now fails with this errno. */
  failAt(call: number, error: keyof typeof constants.errno, manner: Manner): void {
    this.ask(`${call} ${constants.errno[error]} ${manner}`);
  }

  /** The process is killed in the n-th call from now, with half a write done if it is one. */
  killAt(call: number): void {
    this.ask(`${call} -1 once`);
  }

  failNothing(): void {
    this.ask('0 0 once');
  }

  remove(): void {
    if (existsSync(this.own)) rmSync(this.own, { recursive: true });
  }

  private ask(fault: string): void {
    this.generation += 1;
    writeFileSync(this.faults, `${this.generation} ${fault}`);
  }
}

let built: Buffer | null = null;

function build(target: string): Buffer {
  const source = join(packageRoot(), 'test/native/crash-shim/shim.cc');
  execFileSync('c++', ['-std=c++20', '-O1', '-shared', '-fPIC', source, '-o', target, '-ldl']);
  return readFileSync(target);
}

function isGlibc(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }; // as Node's manual has it
  return header?.glibcVersionRuntime !== undefined;
}
