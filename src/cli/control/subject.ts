// SPDX-License-Identifier: BSD-2-Clause
/** What the control socket speaks for. */
import type { ConsoleId } from '../../machine/config.js';
import type { Saver } from '../saver.js';
import type { Settings } from '../settings.js';
import type { Vm } from '../vm.js';

export interface ConsoleInfo {
  readonly port: ConsoleId;
  /** `detached`, or where else a person finds it. */
  readonly place: string;
  /** Socket to attach to; null for every other back end. */
  readonly socket: string | null;
  /** Somebody is attached. */
  readonly attached: boolean;
}

export interface ControlSubject {
  readonly vm: Vm;
  readonly saver: Pick<Saver, 'active' | 'cancel' | 'count' | 'last' | 'take'>;
  readonly settings: Settings;
  consoles(): readonly ConsoleInfo[];
}
