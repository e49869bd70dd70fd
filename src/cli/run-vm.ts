// SPDX-License-Identifier: BSD-2-Clause
/** One VM from power-on to its end: consoles, signals, keys. */

import type { LogSink } from '../core/log.js';
import { ESCAPE_HELP, type EscapeCommand } from '../host/console/escape-keys.js';
import type { ConsoleBackend } from '../host/console/guest-line.js';
import { openConsole } from '../host/console/open-console.js';
import type { ConsoleId } from '../machine/config.js';
import type { StopReason } from '../machine/stop.js';
import { VM_SIGNALS, type VmSignal } from './early-signals.js';
import { HeldInputVm, reportLateInput } from './held-input.js';
import { logWriter } from './log-writer.js';
import { ProgressLine } from './progress-line.js';
import { Saver } from './saver.js';
import type { Settings } from './settings.js';
import { PLUG_SIGNALS, refuseSignal, SignalHandler, SignalListener } from './signals.js';
import { SigtermHandler, type Timing } from './sigterm.js';
import type { OpenVm, Vm } from './vm.js';
import type { VmDoor } from './vm-door.js';

export interface Surroundings {
  readonly openVm: OpenVm;
  readonly early: VmSignal[];
  readonly print: (text: string) => void;
  /** A line that the next one replaces; null takes it away. */
  readonly progress: (text: string | null) => void;
  /** Gives up what the VM does not need any more. */
  readonly confine?: (log: LogSink) => void;
  /** Where others reach the VM while it runs. */
  readonly door?: Pick<VmDoor, 'openConsole' | 'openControl' | 'close'>;
}

/** Back ends whose place is not known before they are open. */
const ANNOUNCED = /^(pty$|tcp=)/;

export async function runVm(settings: Settings, surroundings: Surroundings): Promise<StopReason> {
  const { openVm, early, print, progress, confine, door } = surroundings;
  const vm = openVm(settings);
  const consoles = new Map<ConsoleId, ConsoleBackend>();
  const saver = new Saver(new HeldInputVm(vm, consoles), { print, progress }, timing.now);
  const sigterm = new SigtermHandler(settings.sigterm, vm, saver, print, timing);
  const signals = new SignalListener(new SignalHandler({ vm, saver, sigterm }, print));
  const { promise: stopped, resolve: stop } = latch<StopReason>();
  const loading = new ProgressLine((text) => progress(`reading memory: ${text}`), timing.now);
  const log = logWriter(settings.verbosity, print);
  let reason: StopReason | null = null;
  try {
    await vm.build({
      loading: (done, total) => loading.update(done, total),
      outputReady: (port) => consoles.get(port)?.outputReady(),
      inputRoom: (port) => consoles.get(port)?.inputRoom(),
      powerButton: (guestListens) => {
        if (!guestListens) print('the guest does not listen to the power button; SIGTERM again switches the VM off');
      },
      stopped: stop,
      log,
    });
    progress(null);
    // From here on the terminal may be raw, and a signal must not end the process without restoring it.
    signals.listen(PLUG_SIGNALS);
    for (const [port, path] of settings.consoles) {
      const backend = await (path === 'detached' && door !== undefined
        ? door.openConsole(vm.line(port), settings.resume?.name)
        : openConsole(path, vm.line(port), escapeCommands(vm, saver, print)));
      consoles.set(port, backend);
      if (ANNOUNCED.test(path)) print(`${port} is ${backend.place}`);
      if (path === 'detached') print(`${port} is detached: tsbhyvectl --vm=${settings.machine.name} console`);
    }
    confine?.(log);
    await vm.run();
    signals.listen(VM_SIGNALS);
    signals.replay(early);
    await door?.openControl({ vm, saver, settings }, consoles).catch((error: Error) => {
      print(`${error.message}; the VM runs on without its control socket`);
    });
    reason = await stopped;
    return reason;
  } finally {
    sigterm.close();
    reportLateInput(consoles, print);
    for (const backend of consoles.values()) await backend.close();
    await vm.close();
    await door?.close(reason, print);
    signals.close((signal) => refuseSignal(signal, saver.isSuspended, print));
  }
}

function latch<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

const timing: Timing = {
  now: () => performance.now(),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};

function escapeCommands(vm: Vm, saver: Saver, print: (text: string) => void): (command: EscapeCommand) => void {
  return (command) => {
    switch (command) {
      case 'cancel':
        void saver.cancel('Ctrl-A c');
        break;
      case 'exit':
        vm.powerOff();
        break;
      case 'help':
        print(ESCAPE_HELP);
        break;
      case 'snapshot':
        void saver.save(command, 'Ctrl-A s');
        break;
      case 'suspend':
        void saver.save(command, 'Ctrl-A z');
        break;
      case 'unknown':
        print('Ctrl-A h lists the keys');
        break;
    }
  };
}
