// SPDX-License-Identifier: BSD-2-Clause
/** One VM from power-on to its end: consoles, signals, keys. */
import { ESCAPE_HELP, type EscapeCommand } from '../host/console/escape-keys.js';
import type { ConsoleBackend } from '../host/console/guest-line.js';
import { openConsole } from '../host/console/open-console.js';
import type { ComPort } from '../machine/config.js';
import type { StopReason } from '../machine/stop.js';
import type { ConsoleInfo } from './control/subject.js';
import { VM_SIGNALS, type VmSignal } from './early-signals.js';
import { logWriter } from './log-writer.js';
import type { RunPaths } from './run-folder.js';
import { Saver } from './saver.js';
import type { Settings } from './settings.js';
import { PLUG_SIGNALS, SignalHandler, SignalListener, type SignalTarget } from './signals.js';
import type { OpenVm } from './vm.js';

export interface Surroundings {
  readonly openVm: OpenVm;
  readonly early: VmSignal[];
  readonly print: (text: string) => void;
  /** A line that the next one replaces; null takes it away. */
  readonly progress: (text: string | null) => void;
  /** Sockets by which others reach the VM while it runs. */
  readonly paths?: Pick<RunPaths, 'control' | 'console'>;
}

/** Back ends whose place is not known before they are open. */
const ANNOUNCED = /^(pty$|tcp=)/;

export async function runVm(settings: Settings, surroundings: Surroundings): Promise<StopReason> {
  const { openVm, early, print, progress, paths } = surroundings;
  const vm = openVm(settings);
  const consoles = new Map<ComPort, ConsoleBackend>();
  const now = (): number => performance.now();
  const saver = new Saver(vm, { print, progress }, now);
  const target: SignalTarget = {
    pressPowerButton: () => vm.pressPowerButton(),
    powerOff: () => vm.powerOff(),
    save: (kind, asked) => void saver.save(kind, asked),
  };
  const signals = new SignalListener(new SignalHandler(target, print, now));
  const { promise: stopped, resolve: stop } = latch<StopReason>();
  let control: { close(): Promise<void> } | null = null;
  try {
    await vm.build({
      outputReady: (port) => consoles.get(port)?.outputReady(),
      inputRoom: (port) => consoles.get(port)?.inputRoom(),
      powerButton: (guestListens) => {
        if (!guestListens) print('the guest does not listen to the power button; SIGTERM again switches the VM off');
      },
      stopped: stop,
      log: logWriter(settings.verbosity, print),
    });
    // From here on the terminal may be raw, and a signal must not end the process without restoring it.
    signals.listen(PLUG_SIGNALS);
    for (const [port, path] of settings.consoles) {
      const place = path === 'detached' ? `detached=${paths?.console ?? ''}` : path;
      const backend = await openConsole(place, vm.line(port), escapeCommands(target, print));
      consoles.set(port, backend);
      if (ANNOUNCED.test(path)) print(`${port} is ${backend.place}`);
    }
    await vm.run();
    signals.listen(VM_SIGNALS);
    signals.replay(early);
    if (paths !== undefined) {
      const { ControlServer } = await import('./control/control-server.js');
      control = await ControlServer.open(paths.control, {
        vm,
        saver,
        settings,
        consoles: () => consoleInfo(consoles, paths.console),
      });
    }
    return await stopped;
  } finally {
    for (const backend of consoles.values()) await backend.close();
    await vm.close();
    await control?.close();
    signals.close();
  }
}

function consoleInfo(consoles: ReadonlyMap<ComPort, ConsoleBackend>, socket: string): ConsoleInfo[] {
  return [...consoles].map(([port, { place, attached }]) => ({
    port,
    place,
    socket: attached === undefined ? null : socket,
    attached: attached === true,
  }));
}

function latch<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function escapeCommands(vm: SignalTarget, print: (text: string) => void): (command: EscapeCommand) => void {
  return (command) => {
    switch (command) {
      case 'exit':
        vm.powerOff();
        break;
      case 'help':
        print(ESCAPE_HELP);
        break;
      case 'snapshot':
        vm.save(command, 'Ctrl-A s');
        break;
      case 'suspend':
        vm.save(command, 'Ctrl-A z');
        break;
      case 'unknown':
        print('Ctrl-A h lists the keys');
        break;
    }
  };
}
