// SPDX-License-Identifier: BSD-2-Clause
/** One VM from power-on to its end: consoles, signals, keys. */
import type { EscapeCommand } from '../host/console/escape-keys.js';
import { ESCAPE_HELP } from '../host/console/escape-keys.js';
import type { ConsoleBackend } from '../host/console/guest-line.js';
import { openConsole } from '../host/console/open-console.js';
import type { ComPort } from '../machine/config.js';
import type { StopReason } from '../machine/stop.js';
import type { VmSignal } from './early-signals.js';
import { logWriter } from './log-writer.js';
import type { Settings } from './settings.js';
import { listenForSignals, SignalHandler } from './signals.js';
import type { OpenVm, Vm } from './vm.js';

export interface Surroundings {
  readonly openVm: OpenVm;
  readonly early: VmSignal[];
  print(line: string): void;
}

/** Back ends whose place is not known before they are open. */
const ANNOUNCED = /^(pty$|tcp=)/;

export async function runVm(settings: Settings, { openVm, early, print }: Surroundings): Promise<StopReason> {
  const vm = openVm(settings);
  const consoles = new Map<ComPort, ConsoleBackend>();
  const onCommand = escapeCommands(vm, print);
  const signals = new SignalHandler({ ...targetOf(vm), print }, () => performance.now());
  let stopListening = (): void => {};
  try {
    for (const [port, path] of settings.consoles) {
      const backend = await openConsole(path, vm.line(port), onCommand);
      consoles.set(port, backend);
      if (ANNOUNCED.test(path)) print(`${port} is ${backend.place}`);
    }
    return await new Promise<StopReason>((resolve) => {
      vm.start({
        outputReady: (port) => consoles.get(port)?.outputReady(),
        inputRoom: (port) => consoles.get(port)?.inputRoom(),
        powerButton: (guestListens) => {
          if (!guestListens) print('the guest does not listen to the power button; SIGTERM again switches the VM off');
        },
        stopped: resolve,
        log: logWriter(settings.verbosity, print),
      });
      stopListening = listenForSignals(signals, early);
    });
  } finally {
    stopListening();
    for (const backend of consoles.values()) await backend.close();
  }
}

function targetOf(vm: Vm) {
  return { pressPowerButton: () => vm.pressPowerButton(), powerOff: () => vm.powerOff() };
}

function escapeCommands(vm: Vm, print: (line: string) => void): (command: EscapeCommand) => void {
  return (command) => {
    switch (command) {
      case 'exit':
        return vm.powerOff();
      case 'help':
        return ESCAPE_HELP.forEach(print);
      case 'snapshot':
      case 'suspend':
        return print(`Ctrl-A: cannot ${command}: snapshots are not there yet; the VM runs on`);
      case 'unknown':
        return print('Ctrl-A h lists the keys');
    }
  };
}
