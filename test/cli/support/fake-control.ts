// SPDX-License-Identifier: BSD-2-Clause
/** A control socket in a run folder, with a VM behind it that does what the test says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer } from '../../../src/cli/control/control-server.js';
import type { ControlSubject } from '../../../src/cli/control/subject.js';
import { RunFolder } from '../../../src/cli/run-folder.js';
import { Saver } from '../../../src/cli/saver.js';
import type { Vm, VmSaveOrder } from '../../../src/cli/vm.js';
import { DEFAULT_CONFIG } from '../../../src/machine/config.js';
import type { SavedSnapshot } from '../../../src/machine/thread-save.js';

export const SAVED: SavedSnapshot = { name: 'web-1', bytes: 3 * 1024 * 1024, stoppedMilliseconds: 7.4, lastPages: 12 };

export interface FakeSave {
  readonly order: VmSaveOrder;
  readonly progress: (done: number, total: number) => void;
  readonly end: (saved: SavedSnapshot) => void;
  readonly fail: (error: Error) => void;
}

export interface FakeControl {
  readonly folder: RunFolder;
  readonly asked: string[];
  readonly saves: FakeSave[];
  /** What the machine answers; a function may throw. */
  readonly answers: Record<string, unknown>;
  consoles: ReturnType<ControlSubject['consoles']>;
  close(): Promise<void>;
}

const open: FakeControl[] = [];
let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsbhyve-run-'));
  process.env.TSBHYVE_RUN = root;
});
afterEach(async () => {
  for (const control of open.splice(0)) await control.close();
  delete process.env.TSBHYVE_RUN;
  rmSync(root, { recursive: true });
});

export async function fakeControl(name = 'web'): Promise<FakeControl> {
  const folder = RunFolder.claim(name);
  const asked: string[] = [];
  const saves: FakeSave[] = [];
  const answers: Record<string, unknown> = { status: { state: 'running', time: 2n ** 60n, instructions: 7n } };
  const ask = (what: string, ...given: readonly unknown[]): unknown => {
    asked.push([what, ...given].map(String).join(' '));
    const answer = answers[what];
    return typeof answer === 'function' ? answer() : answer;
  };
  const vm = {
    ask: async (what: string, ...given: readonly unknown[]) => ask(what, ...given),
    setPaused: async (paused: boolean) => ask(paused ? 'pause' : 'resume'),
    powerOff: () => ask('powerOff'),
    cancelSave: async () => ask('cancelSave'),
    save: (order: VmSaveOrder, progress: FakeSave['progress']) =>
      new Promise<SavedSnapshot>((end, fail) => saves.push({ order, progress, end, fail })),
  } as unknown as Vm; // the part of it that the socket uses
  const saver = new Saver(vm, { print: () => {}, progress: () => {} }, () => performance.now());
  const settings = {
    machine: { ...DEFAULT_CONFIG, name },
    store: '/store',
  } as ControlSubject['settings']; // the part of it that the socket uses
  let closed = false;
  const control: FakeControl = {
    folder,
    asked,
    saves,
    answers,
    consoles: [],
    close: async () => {
      if (closed) return;
      closed = true;
      await server.close();
      folder.release();
    },
  };
  const server = await ControlServer.open(folder.paths.control, {
    vm,
    saver,
    settings,
    consoles: () => control.consoles,
  });
  open.push(control);
  return control;
}
