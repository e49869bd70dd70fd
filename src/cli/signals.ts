// SPDX-License-Identifier: BSD-2-Clause
/** What signals do to a running VM. */
import type { VmSignal } from './early-signals.js';
import type { Saver } from './saver.js';
import type { SigtermHandler } from './sigterm.js';
import type { Vm } from './vm.js';

/** End the VM as pulling the plug does, but with the terminal restored. */
export const PLUG_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const;
type AnySignal = VmSignal | (typeof PLUG_SIGNALS)[number];

const SAVES = { SIGUSR1: 'suspend', SIGUSR2: 'snapshot' } as const;
const ACTIONS = { SIGUSR1: 'suspend', SIGUSR2: 'take a snapshot' } as const;

export interface SignalTarget {
  readonly vm: Pick<Vm, 'powerOff'>;
  readonly saver: Pick<Saver, 'save' | 'active' | 'isSuspended'>;
  readonly sigterm: Pick<SigtermHandler, 'handle'>;
}

export class SignalHandler {
  private unplugged = false;

  constructor(
    private readonly target: SignalTarget,
    private readonly print: (line: string) => void,
  ) {}

  handle(signal: AnySignal): void {
    const { vm, sigterm } = this.target;
    switch (signal) {
      case 'SIGTERM':
        sigterm.handle();
        break;
      case 'SIGUSR1':
      case 'SIGUSR2':
        this.save(signal);
        break;
      case 'SIGHUP':
      case 'SIGINT':
      case 'SIGQUIT':
        if (!this.unplugged) this.print(`${signal}: switching the VM off`);
        this.unplugged = true;
        vm.powerOff();
        break;
    }
  }

  /** Sent to the whole process group, a signal comes twice, through the launcher too: what is being done answers both. */
  private save(signal: keyof typeof SAVES): void {
    const { saver } = this.target;
    const kind = SAVES[signal];
    if (saver.active === kind || (kind === 'suspend' && saver.isSuspended)) return;
    void saver.save(kind, signal);
  }
}

/** Where there is no VM: the process is about to end, which is all that the other signals ask for. */
export function refuseSignal(signal: AnySignal, isSuspended: boolean, print: (line: string) => void): void {
  if (signal !== 'SIGUSR1' && signal !== 'SIGUSR2') return;
  if (signal === 'SIGUSR1' && isSuspended) return;
  print(`${signal}: cannot ${ACTIONS[signal]}: there is no VM`);
}

/**
 * Passes signals on until it is closed. The process is then about to end with the status of the VM, and whoever still wants
 * something of it hears that.
 */
export class SignalListener {
  private ended: ((signal: AnySignal) => void) | null = null;

  constructor(private readonly handler: SignalHandler) {}

  listen(signals: readonly AnySignal[]): void {
    for (const signal of signals) {
      const earlier = process.listeners(signal);
      process.on(signal, () => {
        if (this.ended === null) this.handler.handle(signal);
        else this.ended(signal);
      });
      // Only now: without any listener Node forgets a signal that it has caught and not yet told of.
      for (const listener of earlier) process.off(signal, listener);
    }
  }

  /** Answers what came before anybody listened, each kind once. */
  replay(early: VmSignal[]): void {
    for (const signal of new Set(early.splice(0))) this.handler.handle(signal);
  }

  close(ended: (signal: AnySignal) => void): void {
    this.ended = ended;
  }
}
