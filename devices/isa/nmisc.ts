// SPDX-License-Identifier: BSD-2-Clause
/**
 * NMI status and control register, port 0x61: speaker gate and the two timer outputs.
 * Reference: PIIX3 = Intel 82371SB data sheet, "NMISC: NMI Status and Control Register".
 * Not modelled: the sources of SERR# and IOCHK#; their status bits read as zero.
 */
import type { Clock } from '../../src/core/clock.js';
import { Device } from '../../src/core/device.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u8 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';

const TIMER2_GATE = 0x01;
const WRITABLE = 0x0f;
const REFRESH_TOGGLE = 0x10;
const TIMER2_OUTPUT = 0x20;
const REFRESH_PERIOD = 15_085n; // nanoseconds: 18 ticks of the 8254

/** Counter 2 of the 8254, as seen from here. */
export interface SpeakerTimer {
  readonly speakerOutput: boolean;
  setSpeakerGate(level: boolean): void;
}

export const shape = new StateShape('nmisc', 1, { control: u8({ mask: WRITABLE }) });

export class Nmisc extends Device<typeof shape.fields> {
  /** Port 0x61. */
  readonly port: PortHandler;

  constructor(
    id: string,
    private readonly clock: Clock,
    private readonly timer: SpeakerTimer,
  ) {
    super(id, shape);
    this.port = bytePorts(
      () => this.read(),
      (_, value) => this.write(value),
    );
  }

  /** The timer's gate is part of the timer's own state. */
  protected restored(): void {}

  protected wasReset(): void {
    this.timer.setSpeakerGate(false);
  }

  private read(): number {
    const refresh = (this.clock.now() / REFRESH_PERIOD) & 1n ? REFRESH_TOGGLE : 0;
    return this.state.control | refresh | (this.timer.speakerOutput ? TIMER2_OUTPUT : 0);
  }

  private write(value: number): void {
    this.state.control = value & WRITABLE;
    this.timer.setSpeakerGate((value & TIMER2_GATE) !== 0);
  }
}
