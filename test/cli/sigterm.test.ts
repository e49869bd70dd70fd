// SPDX-License-Identifier: BSD-2-Clause
import { SaveCancelled } from '../../src/cli/saver.js';
import { SigtermHandler } from '../../src/cli/sigterm.js';
import type { SigtermPolicy } from '../../src/cli/sigterm-policy.js';
import type { SavedSnapshot, SaveKind } from '../../src/machine/thread-save.js';

const SAVED: SavedSnapshot = { name: 'vm-1', bytes: 0, stoppedMilliseconds: 0, lastPages: 0 };

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A VM whose suspend ends when the test says so, and a clock that the test moves. */
function rig(policy: SigtermPolicy) {
  const seen: string[] = [];
  const time = { now: 5000 };
  let timers: { at: number; work: () => void }[] = [];
  interface End {
    resolve(saved: SavedSnapshot): void;
    reject(error: Error): void;
  }
  let end: End = { resolve: () => {}, reject: () => {} };
  const waiting: (() => void)[] = [];
  const saver = {
    active: null as SaveKind | null,
    isSuspended: false,
    idle: () => (saver.active === null ? Promise.resolve() : new Promise<void>((resolve) => waiting.push(resolve))),
    take: () =>
      new Promise<SavedSnapshot>((resolve, reject) => {
        seen.push('suspend');
        end = { resolve, reject };
      }),
    cancel: async (asked: string) => {
      seen.push(`cancel: ${asked}`);
      end.reject(new SaveCancelled('suspend cancelled'));
      return true;
    },
  };
  const vm = { pressPowerButton: () => seen.push('button'), powerOff: () => seen.push('plug') };
  const timing = {
    now: () => time.now,
    after: (milliseconds: number, work: () => void) => {
      const timer = { at: time.now + milliseconds, work };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  const pass = async (milliseconds: number): Promise<void> => {
    await settled();
    time.now += milliseconds;
    for (const { at, work } of timers) if (at <= time.now) work();
    await settled();
  };
  const handler = new SigtermHandler(policy, vm, saver, (line) => seen.push(line), timing);
  return {
    seen,
    handler,
    saver,
    pass,
    end: () => end,
    idle: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}

const POWEROFF = { action: 'poweroff', seconds: null } as const;
const SUSPEND = { action: 'suspend', seconds: 60 } as const;
const INSISTED = 'SIGTERM again: switching the VM off without waiting for the guest';

test('by default the power button, once; a second one within a second is the same press, a later one the plug', async () => {
  const { seen, handler, pass } = rig(POWEROFF);
  handler.handle();
  await pass(999);
  handler.handle();
  await pass(0);
  expect(seen).toEqual(['button']);
  await pass(1);
  handler.handle();
  expect(seen).toEqual(['button', INSISTED, 'plug']);
});

test('the bound of a power-off pulls the plug, unless the VM has ended', async () => {
  for (const ends of [false, true]) {
    const { seen, handler, pass } = rig({ action: 'poweroff', seconds: 30 });
    handler.handle();
    await pass(29_999);
    if (ends) handler.close();
    await pass(1);
    const late = ['SIGTERM: the guest has not powered off in 30 s: switching the VM off', 'plug'];
    expect(seen).toEqual(['button', ...(ends ? [] : late)]);
  }
});

test('a suspend in time is all; later signals do not disturb it, and the bound is over', async () => {
  const { seen, handler, saver, pass, end } = rig(SUSPEND);
  handler.handle();
  await pass(1500);
  saver.active = 'suspend';
  handler.handle();
  saver.isSuspended = true;
  end().resolve(SAVED);
  await pass(100_000);
  expect(seen).toEqual(['suspend', 'SIGTERM again: the suspend is on its way']);
});

test('a suspend that fails becomes a power-off in order, and only a later signal pulls the plug', async () => {
  const { seen, handler, pass, end } = rig(SUSPEND);
  handler.handle();
  await pass(10);
  end().reject(new Error('vm-1/ram: no space left; the VM runs on'));
  await pass(100_000);
  const line =
    'SIGTERM: cannot suspend: vm-1/ram: no space left; the VM runs on; asking the guest to power off instead';
  expect(seen).toEqual(['suspend', line, 'button']);
  handler.handle();
  expect(seen.slice(3)).toEqual([INSISTED, 'plug']);
});

test('so does one that takes too long', async () => {
  const { seen, handler, pass } = rig(SUSPEND);
  handler.handle();
  await pass(60_000);
  expect(seen).toEqual([
    'suspend',
    'cancel: SIGTERM, 60 s are over',
    'SIGTERM: cannot suspend: suspend cancelled; asking the guest to power off instead',
    'button',
  ]);
});

test('whoever cancels it at the console wants the VM to go on; the next SIGTERM tries again', async () => {
  const { seen, handler, pass, end } = rig(SUSPEND);
  handler.handle();
  await pass(10);
  end().reject(new SaveCancelled('suspend cancelled'));
  await pass(100_000);
  expect(seen).toEqual(['suspend']);
  handler.handle();
  await pass(0);
  expect(seen).toEqual(['suspend', 'suspend']);
});

test('no bound and no second signal ends a VM that is being suspended', async () => {
  const { seen, handler, saver, pass, idle } = rig({ action: 'poweroff', seconds: 30 });
  saver.active = 'suspend';
  handler.handle();
  await pass(20_000);
  handler.handle();
  await pass(20_000);
  expect(seen).toEqual(['SIGTERM again: the suspend is on its way']);
  saver.active = null;
  saver.isSuspended = true;
  idle();
  await pass(1);
  expect(seen).toHaveLength(1);
});

test('what is being saved comes first, and a suspend suffices', async () => {
  for (const isSuspended of [false, true]) {
    for (const policy of [SUSPEND, POWEROFF]) {
      const { seen, handler, saver, pass, idle } = rig(policy);
      saver.active = 'snapshot';
      handler.handle();
      await pass(10);
      expect(seen).toEqual([]);
      saver.active = null;
      saver.isSuspended = isSuspended;
      idle();
      await pass(10);
      expect(seen).toEqual(isSuspended ? [] : [policy === SUSPEND ? 'suspend' : 'button']);
    }
  }
});
