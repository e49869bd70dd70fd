// SPDX-License-Identifier: BSD-2-Clause
/** Whatever a guest does to the chipset: nothing throws, and a restore in the middle cannot be told from none. */
import fc from 'fast-check';
import { Gpe } from '../../devices/acpi/gpe.js';
import { Hpet } from '../../devices/acpi/hpet.js';
import { Pm1 } from '../../devices/acpi/pm1.js';
import { IoApic } from '../../devices/isa/ioapic.js';
import { Nmisc } from '../../devices/isa/nmisc.js';
import { Pic8259 } from '../../devices/isa/pic8259.js';
import { Pit8254 } from '../../devices/isa/pit8254.js';
import { RtcMc146818 } from '../../devices/isa/rtc-mc146818.js';
import type { Width } from '../../src/core/bits.js';
import { decode, encode } from '../../src/core/cbor.js';
import { fanOut } from '../../src/core/irq-line.js';
import { MemoryBus } from '../../src/core/memory-bus.js';
import { GuestDriver } from '../support/guest-driver.js';
import { Rig } from '../support/rig.js';

type Step =
  | { do: 'wait' | 'stall'; ns: bigint }
  | { do: 'in' | 'out'; port: number; width: Width; value: number }
  | { do: 'load' | 'store'; address: number; width: Width; value: number }
  | { do: 'acknowledge' | 'button' | 'event' }
  | { do: 'eoi'; vector: number }
  | { do: 'irq'; pin: number; level: boolean };

/** The whole chipset, wired as on the board, with a log of all that a processor would see. */
class Chipset {
  readonly rig: Rig;
  readonly seen: string[] = [];
  private readonly ports = new GuestDriver();
  private readonly memory = new MemoryBus();
  private readonly pic: Pic8259;
  private readonly ioapic: IoApic;
  private readonly pit: Pit8254;
  private readonly nmisc: Nmisc;
  private readonly rtc: RtcMc146818;
  private readonly hpet: Hpet;
  private readonly pm1: Pm1;
  private readonly gpe: Gpe;

  constructor(now: bigint) {
    this.rig = new Rig(now);
    const { clock } = this.rig;
    const msi = { send: (address: number, data: number) => this.seen.push(`msi ${address} ${data}`) };
    this.ioapic = new IoApic('ioapic', msi);
    this.pic = new Pic8259('pic', fanOut(this.rig.line(), this.ioapic.pin(0)));
    this.pit = new Pit8254('pit', clock, fanOut(this.pic.pin(0), this.ioapic.pin(2)));
    this.nmisc = new Nmisc('nmisc', clock, this.pit);
    this.rtc = new RtcMc146818('rtc', clock, fanOut(this.pic.pin(8), this.ioapic.pin(8)), {
      powerOnTime: 1_385_855_998n,
    });
    const pins = Array.from({ length: 8 }, (_, index) => this.ioapic.pin(24 + index));
    this.hpet = new Hpet('hpet', clock, { pins, msi });
    this.pm1 = new Pm1('pm1', fanOut(this.pic.pin(9), this.ioapic.pin(9)), () => this.seen.push('power off'));
    this.gpe = new Gpe('gpe', this.pm1.gpeInput);
    this.ports
      .attach('master', 0x20, 2, this.pic.master)
      .attach('slave', 0xa0, 2, this.pic.slave)
      .attach('elcr', 0x4d0, 2, this.pic.elcr)
      .attach('pit', 0x40, 4, this.pit.ports)
      .attach('nmisc', 0x61, 1, this.nmisc.port)
      .attach('rtc', 0x70, 2, this.rtc.ports)
      .attach('smi', 0xb2, 1, this.pm1.smiCommand)
      .attach('event', 0x400, 4, this.pm1.event)
      .attach('control', 0x404, 2, this.pm1.control)
      .attach('gpe', 0x40c, 2, this.gpe);
    this.memory.register('ioapic', 0xfec00000, 0x1000, this.ioapic);
    this.memory.register('hpet', 0xfed00000, 0x400, this.hpet);
  }

  private get devices() {
    const { pic, ioapic, pit, nmisc, rtc, hpet, pm1, gpe } = this;
    return [hpet, rtc, pit, nmisc, gpe, pm1, pic, ioapic];
  }

  save(): Uint8Array[] {
    return this.devices.map((device) => encode(device.serialize()));
  }

  /** A copy in another machine, as after a restore. */
  restoredCopy(): Chipset {
    const copy = new Chipset(this.rig.clock.now());
    const saved = this.save();
    copy.devices.forEach((device, index) => {
      device.deserialize(decode(saved[index] ?? new Uint8Array()));
    });
    expect(copy.rig.setCalls).toBe(0);
    expect(copy.seen).toEqual([]);
    return copy;
  }

  /** Level of the processor's INTR pin. */
  get intr(): boolean {
    return this.rig.lines[0]?.level ?? false;
  }

  run(step: Step): void {
    const log = (value: number) => this.seen.push(`${step.do} ${value}`);
    switch (step.do) {
      case 'wait':
        this.rig.clock.advance(step.ns);
        return;
      case 'stall':
        this.rig.clock.set(this.rig.clock.now() + step.ns);
        return;
      case 'in':
        log(this.ports.in(step.port, step.width));
        return;
      case 'out':
        this.ports.out(step.port, step.value, step.width);
        return;
      case 'load':
        log(this.memory.read(step.address, step.width));
        return;
      case 'store':
        this.memory.write(step.address, step.width, step.value);
        return;
      case 'acknowledge':
        log(this.pic.acknowledge());
        return;
      case 'button':
        log(Number(this.pm1.pressPowerButton()));
        return;
      case 'event':
        this.gpe.raise(0);
        return;
      case 'eoi':
        this.ioapic.eoi(step.vector);
        return;
      case 'irq': // a device on its own pins of both controllers
        fanOut(this.pic.pin(step.pin), this.ioapic.pin(step.pin)).set(step.level);
        return;
    }
  }
}

const PORTS = [
  0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0xb2, 0x400, 0x401, 0x402, 0x404,
  0x405, 0x40c, 0x40d,
];
const HPET = 0xfed00000;
const HPET_OFFSETS = [0x10, 0x20, 0xf0, 0x100, 0x108, 0x110, 0x114, 0x120, 0x128, 0x1e0, 0x1e8];
const ADDRESSES = [0xfec00000, 0xfec00010, 0xfec00040, ...HPET_OFFSETS.map((offset) => HPET + offset)];

const width = fc.constantFrom<Width>(1, 1, 1, 2, 4);
const wide = fc.constantFrom<Width>(4, 4, 4, 2, 1);
/** Small values, single registers' worth and anything: each finds its own mistakes. */
const value = fc.oneof(fc.nat(0x7f), fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffffffff));
const ns = fc.oneof(fc.bigInt(0n, 2000n), fc.bigInt(0n, 3_000_000n), fc.bigInt(0n, 1_500_000_000n));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('out'), port: fc.constantFrom(...PORTS), width, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('in'), port: fc.constantFrom(...PORTS), width, value }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('store'), address: fc.constantFrom(...ADDRESSES), width: wide, value }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('load'), address: fc.constantFrom(...ADDRESSES), width: wide, value }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('acknowledge', 'button', 'event') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('eoi'), vector: fc.nat(0xff) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('irq'), pin: fc.constantFrom(1, 3, 5, 11, 15), level: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stall'), ns }) },
);

/** Waiting fires every alarm on the way, which a guest can make very many: a wait is kept short. */
const wait: fc.Arbitrary<Step> = fc.record({ do: fc.constant('wait'), ns: fc.bigInt(0n, 50_000n) });
const script = fc.array(fc.oneof({ weight: 4, arbitrary: step }, { weight: 1, arbitrary: wait }), {
  minLength: 20,
  maxLength: 120,
});

const out = (port: number, ...values: number[]): Step[] =>
  values.map((byte) => ({ do: 'out', port, width: 1, value: byte }));
const store = (address: number, data: number): Step => ({ do: 'store', address, width: 4, value: data });

/** What firmware or a kernel would have set up: without it most random accesses would meet sleeping devices. */
const PRELUDE: Step[] = [
  ...out(0x20, 0x11),
  ...out(0x21, 0x30, 0x04, 0x01),
  ...out(0xa0, 0x11),
  ...out(0xa1, 0x38, 0x02, 0x01),
  ...out(0x43, 0x34),
  ...out(0x40, 0xa9, 0x04),
  ...out(0x70, 0x0b),
  ...out(0x71, 0x72),
  ...out(0x70, 0x0c),
  ...out(0xb2, 0xa0),
  ...out(0x403, 0x01),
  ...out(0x40d, 0x01),
  ...[2, 8, 9, 24].flatMap((pin) => [store(0xfec00000, 0x10 + 2 * pin), store(0xfec00010, 0x40 + pin)]),
  store(0xfec00000, 0x10 + 2 * 9),
  store(0xfec00010, 0x8049),
  store(HPET + 0x100, 0x304c),
  store(HPET + 0x108, 5000),
  store(HPET + 0x10, 1),
];

test('a restore at any point cannot be told from none', () => {
  fc.assert(
    fc.property(script, fc.nat(100), (steps, cut) => {
      const whole = new Chipset(0n);
      let parted = new Chipset(0n);
      for (const one of PRELUDE) {
        whole.run(one);
        parted.run(one);
      }
      steps.forEach((one, index) => {
        if (index === cut % steps.length) {
          const copy = parted.restoredCopy();
          copy.seen.push(...parted.seen);
          expect(copy.intr).toBe(parted.intr);
          parted = copy;
        }
        whole.run(one);
        parted.run(one);
      });
      expect(parted.seen).toEqual(whole.seen);
      expect(parted.intr).toBe(whole.intr);
      expect(parted.rig.clock.nextDeadline()).toBe(whole.rig.clock.nextDeadline());
      expect(parted.save()).toEqual(whole.save());
    }),
    { numRuns: 100 },
  );
});
