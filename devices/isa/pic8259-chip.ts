// SPDX-License-Identifier: BSD-2-Clause
/**
 * One 8259A: priorities, command words and acknowledge, as functions over its state.
 * Reference: I8259A = Intel 8259A data sheet (231468-003).
 * Not modelled: MCS-80/85 mode, buffered mode, withdrawal of a latched edge when its input drops before INTA (many
 * virtual devices pulse their lines), and ICW1.LTIM, which ELCR replaces on a PC.
 */
import { bool, oneOf, record, u8 } from '../../src/core/state-fields.js';

const ICW1_IC4 = 0x01;
const ICW1_SNGL = 0x02;
const ICW1_SELECT = 0x10;
const ICW4_AEOI = 0x02;
const ICW4_SFNM = 0x10;
const OCW3_SELECT = 0x08;
const OCW3_RIS = 0x01;
const OCW3_RR = 0x02;
const OCW3_POLL = 0x04;
const OCW3_SMM = 0x20;
const OCW3_ESMM = 0x40;
const POLL_INTERRUPT = 0x80;

export const chipField = (elcrWritable: number) =>
  record({
    phase: oneOf(['off', 'icw2', 'icw3', 'icw4', 'ready'], { doc: 'initialisation word expected next' }),
    cascaded: bool({ doc: 'ICW1.SNGL was clear: ICW3 follows ICW2' }),
    icw4Expected: bool({ doc: 'ICW1.IC4' }),
    lines: u8({ doc: 'levels of IR7-IR0' }),
    edges: u8({ doc: 'latched rising edges' }),
    isr: u8({ doc: 'in service' }),
    imr: u8({ doc: 'masked' }),
    elcr: u8({ mask: elcrWritable, doc: 'inputs that are level sensitive' }),
    vectorBase: u8({ mask: 0xf8 }),
    autoEoi: bool(),
    rotateOnAutoEoi: bool(),
    specialFullyNested: bool(),
    specialMask: bool(),
    lowestPriority: u8({ initial: 7, max: 7 }),
    readIsr: bool({ doc: 'a status read gives ISR, not IRR' }),
    poll: bool({ doc: 'the next read is a poll' }),
  });
export type Chip = ReturnType<ReturnType<typeof chipField>['initial']>;

/** IRR: latched edges, or the line itself where the input is level sensitive. */
export const requests = (chip: Chip): number => (chip.edges & ~chip.elcr) | (chip.lines & chip.elcr);

/** The input that INT stands for, or null while INT is low. `cascade` has the bit of the input a slave drives. */
export function pendingInput(chip: Chip, cascade: number): number | null {
  if (chip.phase !== 'ready') return null;
  const wanted = requests(chip) & ~chip.imr;
  const blocking = chip.specialMask ? chip.isr & ~chip.imr : chip.isr;
  for (let rank = 1; rank <= 8; rank++) {
    const input = (chip.lowestPriority + rank) & 7;
    const bit = 1 << input;
    // A fully nested master lets its slave interrupt itself, for the slave's own higher priorities.
    const nests = chip.specialFullyNested && bit === cascade;
    if (wanted & bit && (nests || !(blocking & bit))) return input;
    if (blocking & bit) return null;
  }
  return null;
}

/** INTA: takes the pending input into service. Null is a spurious interrupt, which sets no ISR bit. */
export function acknowledgeInput(chip: Chip, cascade: number): number | null {
  const input = pendingInput(chip, cascade);
  if (input === null) return null;
  chip.edges &= ~(1 << input);
  if (!chip.autoEoi) chip.isr |= 1 << input;
  else if (chip.rotateOnAutoEoi) chip.lowestPriority = input;
  return input;
}

export function setInput(chip: Chip, input: number, level: boolean): void {
  const bit = 1 << input;
  if (level && !(chip.lines & bit)) chip.edges |= bit;
  adoptInput(chip, input, level);
}

/** Takes over a level without seeing an edge. */
export function adoptInput(chip: Chip, input: number, level: boolean): void {
  const bit = 1 << input;
  chip.lines = level ? chip.lines | bit : chip.lines & ~bit;
}

export function writeElcr(chip: Chip, value: number): void {
  chip.elcr = value;
  chip.edges &= ~value;
}

/** A read with A0 = 0 (status) or A0 = 1 (IMR); after a poll command either address answers the poll. */
export function readChip(chip: Chip, a0: number, cascade: number): number {
  if (chip.poll) {
    chip.poll = false;
    const input = acknowledgeInput(chip, cascade);
    return input === null ? 0 : POLL_INTERRUPT | input;
  }
  if (a0 === 1) return chip.imr;
  return chip.readIsr ? chip.isr : requests(chip);
}

export function writeChip(chip: Chip, a0: number, value: number): void {
  if (a0 === 1) writeData(chip, value);
  else if (value & ICW1_SELECT) initialise(chip, value);
  else if (value & OCW3_SELECT) writeOcw3(chip, value);
  else writeOcw2(chip, value);
}

/** I8259A "Initialization Command Words 1 and 2": what ICW1 resets. Level inputs count again at once. */
function initialise(chip: Chip, icw1: number): void {
  Object.assign(chip, {
    phase: 'icw2',
    cascaded: !(icw1 & ICW1_SNGL),
    icw4Expected: (icw1 & ICW1_IC4) !== 0,
    edges: 0,
    isr: 0,
    imr: 0,
    autoEoi: false,
    rotateOnAutoEoi: false,
    specialFullyNested: false,
    specialMask: false,
    lowestPriority: 7,
    readIsr: false,
    poll: false,
  } satisfies Partial<Chip>);
}

function writeData(chip: Chip, value: number): void {
  switch (chip.phase) {
    case 'off': // probed through its mask before any initialisation
    case 'ready':
      chip.imr = value;
      return;
    case 'icw2':
      chip.vectorBase = value & 0xf8;
      chip.phase = chip.cascaded ? 'icw3' : afterIcw3(chip);
      return;
    case 'icw3': // the cascade is wired, not programmed
      chip.phase = afterIcw3(chip);
      return;
    case 'icw4':
      chip.autoEoi = (value & ICW4_AEOI) !== 0;
      chip.specialFullyNested = (value & ICW4_SFNM) !== 0;
      chip.phase = 'ready';
  }
}

const afterIcw3 = (chip: Chip): 'icw4' | 'ready' => (chip.icw4Expected ? 'icw4' : 'ready');

/** I8259A "Operation Command Word 2": R, SL and EOI choose one of eight commands, L2-L0 an input. */
function writeOcw2(chip: Chip, value: number): void {
  const input = value & 7;
  switch (value >> 5) {
    case 0b000:
      chip.rotateOnAutoEoi = false;
      return;
    case 0b001:
      endHighest(chip);
      return;
    case 0b011:
      chip.isr &= ~(1 << input);
      return;
    case 0b100:
      chip.rotateOnAutoEoi = true;
      return;
    case 0b101:
      chip.lowestPriority = endHighest(chip) ?? chip.lowestPriority;
      return;
    case 0b110:
      chip.lowestPriority = input;
      return;
    case 0b111:
      chip.isr &= ~(1 << input);
      chip.lowestPriority = input;
  }
}

/** Non-specific EOI. In special mask mode it passes over inputs that are masked. */
function endHighest(chip: Chip): number | null {
  const candidates = chip.specialMask ? chip.isr & ~chip.imr : chip.isr;
  for (let rank = 1; rank <= 8; rank++) {
    const input = (chip.lowestPriority + rank) & 7;
    if (candidates & (1 << input)) {
      chip.isr &= ~(1 << input);
      return input;
    }
  }
  return null;
}

function writeOcw3(chip: Chip, value: number): void {
  if (value & OCW3_ESMM) chip.specialMask = (value & OCW3_SMM) !== 0;
  if (value & OCW3_POLL) chip.poll = true;
  else if (value & OCW3_RR) chip.readIsr = (value & OCW3_RIS) !== 0;
}
