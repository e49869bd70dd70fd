// SPDX-License-Identifier: BSD-2-Clause
/**
 * I/O APIC with 32 pins, one page at 0xFEC00000.
 * Reference: I82093AA = Intel 82093AA data sheet (290566-001); version 0x20 and the EOI register as in
 * ICH9 = Intel I/O Controller Hub 9 data sheet, section 13.5.
 * Interrupts leave as MSI writes (SDM3 = Intel SDM volume 3A, "Message Signalled Interrupts").
 * Not modelled: input polarity (a line carries "asserted", not a voltage), delivery status (messages leave at once).
 */
import { Device } from '../../src/core/device.js';
import type { IrqLine } from '../../src/core/irq-line.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { MsiSink } from '../../src/core/msi.js';
import { RegisterMap } from '../../src/core/register-map.js';
import { list, record, u8, u32 } from '../../src/core/state-fields.js';
import { type StateOf, StateShape } from '../../src/core/state-shape.js';

export const IOAPIC_PINS = 32;

const VERSION = 0x20;
const MSI_BASE = 0xfee00000;
const MSI_LEVEL_ASSERT = 0x4000;
const MSI_LEVEL_TRIGGER = 0x8000;

const INDEX_ID = 0x00;
const INDEX_VERSION = 0x01;
const INDEX_ARBITRATION = 0x02;
const INDEX_REDIRECTION = 0x10;

const DELIVERY_MODE = 0x0700;
const LOWEST_PRIORITY = 0x0100;
const EXTINT = 0x0700;
const LOGICAL = 0x0800;
const REMOTE_IRR = 0x4000;
const LEVEL = 0x8000;
const MASKED = 0x10000;
const WRITABLE_LOW = 0x1afff; // not delivery status (12), not remote IRR (14)
const DESTINATION = 0xff000000;

export const shape = new StateShape('ioapic', 1, {
  ioregsel: u8(),
  apicId: u8({ mask: 0x0f }),
  redirection: list(
    record({
      low: u32({ initial: MASKED, mask: WRITABLE_LOW | REMOTE_IRR }),
      high: u32({ mask: DESTINATION }),
    }),
    { length: IOAPIC_PINS },
  ),
  lines: u32({ doc: 'levels of the pins' }),
});
type State = StateOf<typeof shape.fields>;
type Entry = State['redirection'][number];

/** What a pin would send now. */
export interface IoApicRoute {
  readonly address: number;
  readonly data: number;
  readonly levelTriggered: boolean;
  readonly masked: boolean;
}

/** Told of every change to a pin's route; an engine with its own local APIC needs it to know which EOIs to report. */
export interface IoApicRouteListener {
  routeChanged(pin: number, route: IoApicRoute): void;
}

const nobody: IoApicRouteListener = { routeChanged() {} };

export class IoApic extends Device<typeof shape.fields> implements MmioHandler {
  private static readonly registers = new RegisterMap<State, IoApic>(shape.fields, 1, [
    {
      at: 0x00,
      width: 4,
      name: 'IOREGSEL',
      get: (s) => s.ioregsel,
      set: (s, value) => {
        s.ioregsel = value & 0xff;
      },
    },
    {
      at: 0x10,
      width: 4,
      name: 'IOWIN',
      get: (s) => readIndexed(s),
      set: (s, value, ioapic) => ioapic.writeIndexed(s.ioregsel, value),
    },
    { at: 0x40, width: 4, name: 'EOI', get: () => 0, set: (_, value, ioapic) => ioapic.eoi(value & 0xff) },
  ]);

  constructor(
    id: string,
    private readonly sink: MsiSink,
    private readonly routes: IoApicRouteListener = nobody,
  ) {
    super(id, shape);
  }

  read(offset: number, width: 1 | 2 | 4): number {
    return IoApic.registers.read(this.state, this, 0, offset, width);
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    IoApic.registers.write(this.state, this, 0, offset, width, value);
  }

  pin(pin: number): IrqLine {
    if (!Number.isInteger(pin) || pin < 0 || pin >= IOAPIC_PINS) {
      throw new RangeError(`${this.id}: pin ${pin}: expected 0 to ${IOAPIC_PINS - 1}`);
    }
    return {
      set: (level) => this.setPin(pin, level),
      adopt: (level) => this.adoptPin(pin, level),
    };
  }

  /** What `pin` (0 to 31) would send now. */
  route(pin: number): IoApicRoute {
    return routeOf(this.entry(pin));
  }

  /** EOI of a level-triggered vector, broadcast by a local APIC or written to the EOI register. */
  eoi(vector: number): void {
    this.state.redirection.forEach((entry, pin) => {
      if (!(entry.low & REMOTE_IRR) || (entry.low & 0xff) !== vector) return;
      entry.low &= ~REMOTE_IRR;
      this.offerLevel(pin);
    });
  }

  protected restored(): void {
    this.announceAll();
  }

  protected wasReset(): void {
    this.announceAll();
  }

  /** A redirection-table half, by IOREGSEL index; everything else is read-only but the APIC id. */
  private writeIndexed(index: number, value: number): void {
    if (index === INDEX_ID) this.state.apicId = (value >>> 24) & 0x0f;
    const pin = redirectionPin(index);
    if (pin === null) return;
    const entry = this.entry(pin);
    if (index & 1) entry.high = (value & DESTINATION) >>> 0;
    else entry.low = writeLow(entry.low, value);
    this.announce(pin);
    this.offerLevel(pin);
    // The 8259 pair holds INT until it is served: an ExtINT pin that is unmasked under a request passes it on.
    if (isExtInt(entry) && this.isAsserted(pin)) this.deliver(entry);
  }

  private setPin(pin: number, level: boolean): void {
    const rising = level && !this.isAsserted(pin);
    this.adoptPin(pin, level);
    const entry = this.entry(pin);
    if (isLevel(entry)) this.offerLevel(pin);
    else if (rising) this.deliver(entry); // I82093AA 3.2.4: an edge on a masked pin is lost
  }

  private adoptPin(pin: number, level: boolean): void {
    const bit = 1 << pin;
    this.state.lines = (level ? this.state.lines | bit : this.state.lines & ~bit) >>> 0;
  }

  private isAsserted(pin: number): boolean {
    return ((this.state.lines >>> pin) & 1) !== 0;
  }

  /** Sends a level interrupt unless one is still in service. */
  private offerLevel(pin: number): void {
    const entry = this.entry(pin);
    if (!isLevel(entry) || !this.isAsserted(pin) || entry.low & (REMOTE_IRR | MASKED)) return;
    entry.low |= REMOTE_IRR;
    this.deliver(entry);
  }

  private deliver(entry: Entry): void {
    if (entry.low & MASKED) return;
    const { address, data } = routeOf(entry);
    this.sink.send(address, data);
  }

  private announce(pin: number): void {
    this.routes.routeChanged(pin, this.route(pin));
  }

  private announceAll(): void {
    for (let pin = 0; pin < IOAPIC_PINS; pin++) this.announce(pin);
  }

  private entry(pin: number): Entry {
    const entry = this.state.redirection[pin];
    if (entry === undefined) throw new RangeError(`${this.id}: pin ${pin}: expected 0 to ${IOAPIC_PINS - 1}`);
    return entry;
  }
}

function readIndexed(state: State): number {
  const index = state.ioregsel;
  if (index === INDEX_ID || index === INDEX_ARBITRATION) return state.apicId << 24;
  if (index === INDEX_VERSION) return ((IOAPIC_PINS - 1) << 16) | VERSION;
  const pin = redirectionPin(index);
  const entry = pin === null ? undefined : state.redirection[pin];
  if (entry === undefined) return 0;
  return index & 1 ? entry.high : entry.low;
}

function redirectionPin(index: number): number | null {
  const pin = (index - INDEX_REDIRECTION) >> 1;
  return pin >= 0 && pin < IOAPIC_PINS ? pin : null;
}

/** Switching a pin to edge drops remote IRR: systems without directed EOI clear a stuck pin that way. */
function writeLow(old: number, value: number): number {
  const remoteIrr = value & LEVEL ? old & REMOTE_IRR : 0;
  return (value & WRITABLE_LOW) | remoteIrr;
}

/** Only fixed and lowest-priority delivery can be level triggered (I82093AA 3.2.4, "DELMOD"). */
function isLevel(entry: Entry): boolean {
  return (entry.low & LEVEL) !== 0 && (entry.low & DELIVERY_MODE) <= LOWEST_PRIORITY;
}

function isExtInt(entry: Entry): boolean {
  return (entry.low & DELIVERY_MODE) === EXTINT;
}

function routeOf(entry: Entry): IoApicRoute {
  const levelTriggered = isLevel(entry);
  const destination = entry.high >>> 24;
  return {
    address: (MSI_BASE | (destination << 12) | (entry.low & LOGICAL ? 0x4 : 0)) >>> 0,
    data: (entry.low & (0xff | DELIVERY_MODE)) | (levelTriggered ? MSI_LEVEL_TRIGGER | MSI_LEVEL_ASSERT : 0),
    levelTriggered,
    masked: (entry.low & MASKED) !== 0,
  };
}
