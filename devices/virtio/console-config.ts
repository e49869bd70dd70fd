// SPDX-License-Identifier: BSD-2-Clause
/** Features and configuration registers of the console device. Reference: VIRTIO-1.2 §5.3.3 and §5.3.4. */
import { RegisterMap } from '../../src/core/register-map.js';
import { u16 } from '../../src/core/state-fields.js';

export const ConsoleFeature = {
  SIZE: 1n << 0n,
  MULTIPORT: 1n << 1n,
  EMERG_WRITE: 1n << 2n,
} as const;

export const CONSOLE_CONFIG_LENGTH = 12;

const kept = { keepOnReset: true };

/** The size is that of a PC's text screen until somebody knows better. */
export const consoleConfigFields = {
  columns: u16({ ...kept, initial: 80, doc: 'of the terminal at the console port' }),
  rows: u16({ ...kept, initial: 25, doc: 'of the terminal at the console port' }),
};

interface ConfigState {
  columns: number;
  rows: number;
}

export interface ConsoleConfigOwner {
  readonly portCount: number;
  writeInEmergency(byte: number): void;
}

/** §5.3.2: without MULTIPORT there are two queues and one port, which needs no word about itself. */
export function consoleFeatures(namedPorts: number): bigint {
  const { SIZE, MULTIPORT, EMERG_WRITE } = ConsoleFeature;
  return SIZE | EMERG_WRITE | (namedPorts > 0 ? MULTIPORT : 0n);
}

export const consoleConfig = new RegisterMap<ConfigState, ConsoleConfigOwner>(
  {},
  1,
  [
    { at: 0, width: 2, name: 'cols', readOnly: true, get: ({ columns }) => columns },
    { at: 2, width: 2, name: 'rows', readOnly: true, get: ({ rows }) => rows },
    { at: 4, width: 4, name: 'max_nr_ports', readOnly: true, get: (_, { portCount }) => portCount },
    {
      at: 8,
      width: 4,
      name: 'emerg_wr',
      get: () => 0,
      set: (_, value, owner) => owner.writeInEmergency(value & 0xff),
    },
  ],
  { unmapped: 0 },
);
