// SPDX-License-Identifier: BSD-2-Clause
/** The four serial ports with what is typed on them. All four are always there, as on bhyve. */
import { ConsoleInput, type TypedStep } from '../../devices/console/console-input.js';
import { Uart16550 } from '../../devices/isa/uart16550.js';
import type { Clock } from '../core/clock.js';
import type { ByteSink } from '../core/input.js';
import type { IrqLine } from '../core/irq-line.js';
import type { ComPort, ConsoleId, MachineConfig, ScriptStep } from './config.js';

export type ConsoleOutputs = Readonly<Partial<Record<ConsoleId, ByteSink>>>;

export interface Console {
  readonly base: number;
  readonly uart: Uart16550;
  readonly input: ConsoleInput;
}

const PORTS: readonly { readonly id: ComPort; readonly base: number; readonly irq: number }[] = [
  { id: 'com1', base: 0x3f8, irq: 4 },
  { id: 'com2', base: 0x2f8, irq: 3 },
  { id: 'com3', base: 0x3e8, irq: 4 },
  { id: 'com4', base: 0x2e8, irq: 3 },
];

export function serialConsoles(
  scripts: MachineConfig['scripts'],
  clock: Clock,
  outputs: ConsoleOutputs,
  line: (irq: number) => IrqLine,
): Console[] {
  return PORTS.map(({ id, base, irq }) => {
    const sink = outputs[id];
    const output: ByteSink = {
      write(byte) {
        sink?.write(byte);
        input.saw(byte);
      },
    };
    const uart: Uart16550 = new Uart16550(id, { irq: line(irq), output, clock, onSpace: () => input.offer() });
    const script = (scripts[id] ?? []).map(typedStep);
    const input: ConsoleInput = new ConsoleInput(`${id}-input`, {
      receive: (byte) => uart.receive(byte),
      clock,
      script,
    });
    return { base, uart, input };
  });
}

function typedStep(step: ScriptStep): TypedStep {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    send: bytes(step.send),
    at: 'at' in step ? step.at : null,
    after: 'after' in step ? bytes(step.after) : null,
  };
}
