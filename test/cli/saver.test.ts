// SPDX-License-Identifier: BSD-2-Clause
import { Saver } from '../../src/cli/saver.js';
import { defaultStore } from '../../src/cli/store-folder.js';
import type { SavedSnapshot, SaveOrder } from '../../src/machine/thread-save.js';

type Progress = (done: number, total: number) => void;

/** A VM whose saves end when the test says so. */
function rig() {
  const lines: string[] = [];
  const shown: (string | null)[] = [];
  const saves: { end(saved: SavedSnapshot): void; fail(error: Error): void; progress: Progress }[] = [];
  const time = { now: 1000 };
  const vm = {
    save: (_: SaveOrder, progress: Progress) =>
      new Promise<SavedSnapshot>((end, fail) => {
        saves.push({ end, fail, progress });
      }),
    cancelSave: async () => {
      const save = saves.at(-1);
      save?.fail(new Error('vm-1/ram: cancelled; the VM runs on'));
      return save !== undefined;
    },
  };
  const output = { print: (line: string) => lines.push(line), progress: (text: string | null) => shown.push(text) };
  return { saver: new Saver(vm, output, () => time.now), lines, shown, saves, time };
}

test('one line has name, size and time; progress comes and goes', async () => {
  const { saver, lines, shown, saves, time } = rig();
  const saving = saver.save('snapshot', 'SIGUSR2');
  saves[0]?.progress(0, 2 * 1024 * 1024);
  time.now += 1250;
  saves[0]?.progress(512 * 1024, 2 * 1024 * 1024);
  saves[0]?.end({ name: 'web-4', bytes: 3_500_000_000, stoppedMilliseconds: 7, lastPages: 0 });
  await saving;
  expect(shown).toEqual([
    'snapshot: 0 %, 0 KiB of 2.0 MiB',
    'snapshot: 25 %, 512 KiB of 2.0 MiB, 410 KiB/s, 4 s left',
    null,
  ]);
  expect(lines).toEqual(['snapshot web-4: 3.3 GiB of memory in 1.25 s; -r web-4 goes on from there']);
});

test('a second request has to wait until the first has ended, well or badly', async () => {
  const { saver, lines, saves } = rig();
  const first = saver.save('suspend', 'SIGUSR1');
  await saver.save('snapshot', 'Ctrl-A s');
  expect(lines).toEqual([
    'Ctrl-A s: cannot take a snapshot: a suspend is on its way; Ctrl-A c on the console cancels it',
  ]);
  saves[0]?.fail(new Error('vm-1/ram: no space; the VM runs on'));
  await first;
  expect(lines.at(-1)).toBe('SIGUSR1: cannot suspend: vm-1/ram: no space; the VM runs on');
  void saver.save('suspend', 'SIGUSR1');
  expect(saves).toHaveLength(2);
});

test('a cancelled suspend is one line, and the next one may come', async () => {
  const { saver, lines, shown, saves } = rig();
  const suspending = saver.save('suspend', 'Ctrl-A z');
  saves[0]?.progress(1, 2);
  expect(await saver.cancel('Ctrl-A c')).toBe(true);
  await suspending;
  expect(lines).toEqual(['Ctrl-A c: suspend cancelled; the VM runs on']);
  expect(shown.at(-1)).toBeNull();
  expect(saver.active).toBeNull();
  void saver.save('suspend', 'Ctrl-A z');
  saves[1]?.fail(new Error('no space'));
  await saver.idle();
  expect(lines.at(-1)).toBe('Ctrl-A z: cannot suspend: no space');
});

test('there is nothing to cancel before a save, and none after its last moment', async () => {
  const { saver, lines, saves } = rig();
  expect(await saver.cancel('Ctrl-A c')).toBe(false);
  expect(lines).toEqual(['Ctrl-A c: nothing is being saved']);
  const suspending = saver.save('suspend', 'SIGUSR1');
  const last = saves[0];
  saves.length = 0; // the machine is done, and its answer is on its way
  expect(await saver.cancel('Ctrl-A c')).toBe(false);
  expect(lines.at(-1)).toBe('Ctrl-A c: too late to cancel the suspend');
  last?.end({ name: 'vm-1', bytes: 0, stoppedMilliseconds: 7, lastPages: 0 });
  await suspending;
  expect(saver.isSuspended).toBe(true);
});

test('without --store the place depends on the user', () => {
  expect(defaultStore(0, '/data')).toBe('/var/lib/tsbhyve');
  expect(defaultStore(1000, '/data')).toBe('/data/tsbhyve');
  expect(defaultStore(1000, '')).toMatch(/\/\.local\/share\/tsbhyve$/);
});
