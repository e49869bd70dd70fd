// SPDX-License-Identifier: BSD-2-Clause
/**
 * The ways into configuration space: mechanism 1 at ports 0xCF8-0xCFF, and the memory-mapped ECAM.
 * Reference: PCI-3.0 §3.2.2.3.2 (mechanism 1); PCIE-3.0 = PCI Express Base Specification 3.0, §7.2.2 (ECAM) and
 * §7.9.1 (extended capabilities end with a zero header at 0x100).
 */
import { hex, mask, type Width } from '../../src/core/bits.js';
import { Device } from '../../src/core/device.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { PortHandler } from '../../src/core/port-bus.js';
import { u32 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { CONFIG_LENGTH } from './config-layout.js';

const ADDRESS_PORT = 0; // offsets from 0xCF8
const RESET_PORT = 1;
const DATA_PORT = 4;
const ENABLE = 0x80000000;
const ADDRESS_BITS = 0x80fffffc;

const EXTENDED_HEADER_END = 0x104;
const ECAM_FUNCTION_LENGTH = 0x1000; // a bus has 32 x 8 of these: 1 MiB

const fields = { address: u32({ mask: ADDRESS_BITS, doc: 'CONFIG_ADDRESS, the latch at port 0xCF8' }) };
const shape = new StateShape('pci-root-bus', 1, fields);

/** What the bus needs of a function. */
export interface ConfigTarget {
  readonly id: string;
  readonly address: number;
  readConfig(offset: number, width: Width): number;
  writeConfig(offset: number, width: Width, value: number): void;
}

export class PciRootBus extends Device<typeof fields> {
  private readonly functions = new Map<number, ConfigTarget>();

  /** `resetControl` answers byte accesses to 0xCF9, which lies inside the address register's dword. */
  constructor(
    id: string,
    private readonly resetControl: PortHandler,
  ) {
    super(id, shape);
  }

  attach(target: ConfigTarget): void {
    const other = this.functions.get(target.address);
    if (other) throw new Error(`PCI address ${hex(target.address, 4)}: ${target.id} given, but ${other.id} is there`);
    this.functions.set(target.address, target);
  }

  /** Eight ports from 0xCF8. */
  ports(): PortHandler {
    return {
      read: (offset, width) => this.readPort(offset, width),
      write: (offset, width, value) => this.writePort(offset, width, value),
    };
  }

  /** 256 MiB of memory, 1 MiB a bus. */
  ecam(): MmioHandler {
    return {
      read: (offset, width) => {
        const register = offset % ECAM_FUNCTION_LENGTH;
        return this.readFunction(Math.floor(offset / ECAM_FUNCTION_LENGTH), register, width);
      },
      write: (offset, width, value) => {
        const register = offset % ECAM_FUNCTION_LENGTH;
        this.writeFunction(Math.floor(offset / ECAM_FUNCTION_LENGTH), register, width, value);
      },
    };
  }

  protected restored(): void {}

  protected wasReset(): void {}

  private readPort(offset: number, width: Width): number {
    if (offset === ADDRESS_PORT && width === 4) return this.state.address;
    if (offset === RESET_PORT && width === 1) return this.resetControl.read(0, 1);
    if (offset < DATA_PORT || !this.enabled) return mask(width);
    return this.readFunction(this.selected, this.register + offset - DATA_PORT, width);
  }

  /** The address register takes dwords only; other accesses to its ports belong to somebody else. */
  private writePort(offset: number, width: Width, value: number): void {
    if (offset === ADDRESS_PORT && width === 4) {
      this.state.address = (value & ADDRESS_BITS) >>> 0;
    } else if (offset === RESET_PORT && width === 1) {
      this.resetControl.write(0, 1, value);
    } else if (offset >= DATA_PORT && this.enabled) {
      this.writeFunction(this.selected, this.register + offset - DATA_PORT, width, value);
    }
  }

  private readFunction(address: number, register: number, width: Width): number {
    const target = this.functions.get(address);
    if (!target) return mask(width);
    if (register < CONFIG_LENGTH) return target.readConfig(register, width);
    return register < EXTENDED_HEADER_END ? 0 : mask(width);
  }

  private writeFunction(address: number, register: number, width: Width, value: number): void {
    if (register < CONFIG_LENGTH) this.functions.get(address)?.writeConfig(register, width, value);
  }

  private get enabled(): boolean {
    return (this.state.address & ENABLE) !== 0;
  }

  private get selected(): number {
    return (this.state.address >>> 8) & 0xffff;
  }

  private get register(): number {
    return this.state.address & 0xfc;
  }
}
