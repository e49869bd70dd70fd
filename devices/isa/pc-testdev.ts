// SPDX-License-Identifier: BSD-2-Clause
/**
 * pc-testdev: the fixtures that kvm-unit-tests expects on its machine.
 * Interface as in QEMU's pc-testdev and bhyve's `-l pc-testdev`:
 *   ports 0xE0-0xE3 and 0xE8-0xEB  one 32-bit scratch register, any width; the second window is for split accesses
 *   ports 0xE4-0xE7                write: drop the hypervisor's mapping of a page; nothing to do here, no mapping is cached
 *   ports 0x2000-0x2017            write: level of interrupt line 0-23 (zero lowers it)
 *   memory 0xFF000000, 64 KiB      bytes that every access must reach through the device
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { bytes, u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { bytePorts } from './byte-ports.js';

const IRQ_LINES = 24;
const MEMORY_LENGTH = 0x10000;

const fields = {
  scratch: u32({ doc: 'the register at ports 0xE0 and 0xE8' }),
  irqLevels: u32({ mask: 2 ** IRQ_LINES - 1, doc: 'level of each interrupt line, line 0 in bit 0' }),
  memory: bytes(MEMORY_LENGTH, { doc: 'contents of the memory window' }),
};
const shape = new StateShape('pc-testdev', 1, fields);

export class PcTestdev extends Device<typeof fields> {
  private readonly lines: readonly IrqLine[];

  /** `lines` are interrupt lines 0 to 23; the first 16 reach both the 8259 pair and the IOAPIC. */
  constructor(id: string, lines: readonly IrqLine[]) {
    super(id, shape);
    if (lines.length !== IRQ_LINES) throw new RangeError(`lines: ${lines.length} given, ${IRQ_LINES} needed`);
    this.lines = Object.freeze([...lines]);
  }

  scratchPorts(): PortHandler {
    return bytePorts(
      (offset) => (this.state.scratch >>> (8 * offset)) & 0xff,
      (offset, value) => {
        const shift = 8 * offset;
        this.state.scratch = ((this.state.scratch & ~(0xff << shift)) | (value << shift)) >>> 0;
      },
    );
  }

  flushPorts(): PortHandler {
    return { read: () => 0, write: () => {} };
  }

  irqPorts(): PortHandler {
    return bytePorts(
      () => 0,
      (line, value) => this.setLine(line, value !== 0),
    );
  }

  memoryWindow(): MmioHandler {
    return {
      read: (offset, width) => {
        let value = 0;
        for (let i = 0; i < width; i++) value += (this.state.memory[offset + i] ?? 0xff) * 2 ** (8 * i);
        return value;
      },
      write: (offset, width, value) => {
        for (let i = 0; i < width && offset + i < MEMORY_LENGTH; i++) {
          this.state.memory[offset + i] = (value >>> (8 * i)) & 0xff;
        }
      },
    };
  }

  protected restored(): void {
    this.lines.forEach((line, number) => {
      line.adopt(this.level(number));
    });
  }

  protected wasReset(): void {
    this.lines.forEach((line, number) => {
      line.set(this.level(number));
    });
  }

  private level(line: number): boolean {
    return ((this.state.irqLevels >>> line) & 1) === 1;
  }

  private setLine(line: number, level: boolean): void {
    const bit = 1 << line;
    this.state.irqLevels = level ? this.state.irqLevels | bit : this.state.irqLevels & ~bit;
    this.lines[line]?.set(level);
  }
}
