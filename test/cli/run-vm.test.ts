// SPDX-License-Identifier: BSD-2-Clause
import { connect, type Socket } from 'node:net';
import { exitStatus } from '../../src/cli/exit-status.js';
import { runVm } from '../../src/cli/run-vm.js';
import type { Settings } from '../../src/cli/settings.js';
import type { Vm, VmEvents } from '../../src/cli/vm.js';
import { DEFAULT_CONFIG } from '../../src/machine/config.js';
import type { StopReason } from '../../src/machine/stop.js';
import type { SavedSnapshot, SaveOrder } from '../../src/machine/thread-save.js';
import { FakeLine, until } from '../host/support/fake-line.js';

class FakeVm implements Vm {
  readonly asked: string[] = [];
  readonly com1 = new FakeLine();
  events: VmEvents | null = null;

  line(): FakeLine {
    return this.com1;
  }

  async build(events: VmEvents): Promise<void> {
    this.events = events;
    events.loading(1, 2);
    this.asked.push('build');
  }

  async run(): Promise<void> {
    this.asked.push('run');
  }

  pressPowerButton(): void {
    this.asked.push('button');
  }

  async save({ kind }: SaveOrder): Promise<SavedSnapshot> {
    this.asked.push(kind);
    return { name: 'vm-1', bytes: 3 * 1024 * 1024, stoppedMilliseconds: 7, lastPages: 0 };
  }

  async setPaused(paused: boolean): Promise<void> {
    this.asked.push(paused ? 'pause' : 'resume');
  }

  async ask(...[name]: readonly unknown[]): Promise<never> {
    throw new Error(`nobody asks for ${String(name)}`);
  }

  async cancelSave(): Promise<boolean> {
    return false;
  }

  powerOff(): void {
    this.asked.push('plug');
    this.events?.stopped({ kind: 'requested' });
  }

  async close(): Promise<void> {
    this.asked.push('close');
  }
}

const settings: Settings = {
  machine: DEFAULT_CONFIG,
  consoles: new Map([['com1', 'tcp=127.0.0.1:0']]),
  verbosity: 'warn',
  sigterm: { action: 'poweroff', seconds: null },
  store: '/nonexistent',
  sandbox: false,
  translator: {},
};

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const signal of ['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGHUP', 'SIGQUIT']) {
    process.removeAllListeners(signal);
  }
});

test('a VM runs from its start to its end, with its console and its last words', async () => {
  const vm = new FakeVm();
  const printed: string[] = [];
  const progress: (string | null)[] = [];
  const running = runVm(settings, {
    openVm: () => vm,
    early: [],
    print: (text) => printed.push(text),
    progress: (text) => progress.push(text),
  });
  await until(() => vm.asked.includes('run'));
  expect(progress).toEqual(['reading memory: 50 %, 1 KiB of 1 KiB', null]);
  const [, port] = /^com1 is tcp=127\.0\.0\.1:(\d+)$/.exec(printed[0] ?? '') ?? [];
  let received = '';
  const socket = connect(Number(port), '127.0.0.1');
  sockets.push(socket);
  socket.on('data', (chunk) => {
    received += chunk;
  });
  socket.write('typed');
  await until(() => vm.com1.typed === 'typed');
  vm.com1.output = 'last words';
  vm.events?.stopped({ kind: 'power-off' });
  expect(await running).toEqual({ kind: 'power-off' });
  await until(() => received === 'last words');
  expect(vm.asked).toEqual(['build', 'run', 'close']);
});

test('signals that came before the VM are answered when it runs, each kind once', async () => {
  const vm = new FakeVm();
  const printed: string[] = [];
  const early = ['SIGUSR2', 'SIGTERM', 'SIGUSR2'] as const;
  const running = runVm(settings, {
    openVm: () => vm,
    early: [...early],
    print: (text) => printed.push(text),
    progress: () => {},
  });
  await until(() => vm.asked.includes('button'));
  expect(vm.asked).toEqual(['build', 'run', 'snapshot', 'button']);
  await until(() => printed.some((line) => /^snapshot vm-1: 3\.0 MiB of memory in [0-9.]+ s; -r vm-1/.test(line)));
  vm.events?.powerButton(false);
  expect(printed.at(-1)).toContain('SIGTERM again switches the VM off');
  vm.powerOff();
  await running;
});

test('a VM that runs goes on although its control socket cannot be had', async () => {
  const vm = new FakeVm();
  const printed: string[] = [];
  const door = {
    openConsole: async (): Promise<never> => {
      throw new Error('com1 is elsewhere');
    },
    openControl: async (): Promise<never> => {
      throw new Error('control: no space left on device');
    },
    close: async () => {},
  };
  const running = runVm(settings, {
    openVm: () => vm,
    early: [],
    print: (text) => printed.push(text),
    progress: () => {},
    door,
  });
  await until(() => printed.includes('control: no space left on device; the VM runs on without its control socket'));
  vm.events?.stopped({ kind: 'power-off' });
  expect(await running).toEqual({ kind: 'power-off' });
});

test('a VM that cannot be built leaves nothing open', async () => {
  const vm = new FakeVm();
  vm.build = async () => {
    throw new Error('no engine');
  };
  const running = runVm(settings, { openVm: () => vm, early: [], print: () => {}, progress: () => {} });
  await expect(running).rejects.toThrow('no engine');
  expect(vm.asked).toEqual(['close']);
});

test.each<[StopReason, number]>([
  [{ kind: 'reset' }, 0],
  [{ kind: 'power-off' }, 1],
  [{ kind: 'requested' }, 1],
  [{ kind: 'halted' }, 2],
  [{ kind: 'triple-fault' }, 3],
  [{ kind: 'error', message: '' }, 4],
  [{ kind: 'suspended', snapshot: 'vm-1' }, 5],
  [{ kind: 'debug-exit', status: 33 }, 33],
])('%j ends the process with status %i', (reason, status) => {
  expect(exitStatus(reason)).toBe(status);
});
