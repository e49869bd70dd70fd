// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, kicks: somebody waits for an event that was lost with the restore. */
import { buildMachine } from '../../src/machine/build.js';
import { type ProofSubject, runTo, type SavedMachine } from '../support/proof.js';
import { serial } from '../support/proof-guests/serial.js';
import { type InterruptController, loadTextGuest, TEXT } from '../support/text-guest.js';
import { nothingAdopted, setInsteadOfAdopt, valueIn, withValue } from '../support/wrong-restores.js';
import { expectNoticed, expectNoticedIn, losing, ofDevice, ofVcpu } from './support/strike.js';

const END = 2_000_000n;

/** Writes a byte at each interrupt of the transmitter, and without one never again. */
const writer = (controller: InterruptController): ProofSubject => ({
  build: (output, hashExits) =>
    buildMachine(
      { memory: 2 * 1024 * 1024, clock: { kind: 'virtual', numerator: 1, denominator: 1 } },
      { outputs: { com1: { write: (byte) => output.push(byte) } }, hashExits },
    ),
  start: (machine) => loadTextGuest(machine, 'uart', controller),
});

const cuts = Array.from({ length: 300 }, (_, index) => BigInt(index + 1));

const writerLife = (controller: InterruptController) => {
  const subject = writer(controller);
  return { subject, end: END, cuts, whole: runTo(subject, END) };
};

describe.each(['8259', 'ioapic'] as const)(
  '9. Firecracker: a UART waits for a TX interrupt, by way of the %s',
  (controller) => {
    const life = writerLife(controller);

    test('the guest lives on these interrupts', () => {
      expect(life.whole.console).toBe(TEXT);
    });

    test('the interrupt is forgotten', () => {
      expectNoticedIn(life, losing(ofDevice('com1', 'thrEmptyPending', false)));
    });

    test('the controller forgets the request', () => {
      const loss =
        controller === '8259' ? ofDevice('pic', 'master.edges', 0) : ofVcpu('lapic.request', Array(8).fill(0));
      expectNoticedIn(life, losing(loss));
    });
  },
);

test.each([
  ['does not reach the controller again', nothingAdopted],
  ['reaches it as a new edge', setInsteadOfAdopt],
])('9. The level of the UART %s', (_what, wrong) => {
  expectNoticedIn(writerLife('ioapic'), { ...wrong, spoil: withoutLevels, when: hasTransmitInterrupt });
});

function hasTransmitInterrupt(saved: SavedMachine): boolean {
  return valueIn(saved, ['devices', 'com1', 'fields', 'thrEmptyPending']) === true;
}

/** Ours keep the levels at their inputs; elsewhere they were only on the wires. */
function withoutLevels(saved: SavedMachine): SavedMachine {
  return withValue(saved, ['devices', 'ioapic', 'fields', 'lines'], 0);
}

test('9. What waits in a FIFO is lost, or its timeout is', () => {
  expectNoticed(serial, losing(ofDevice('com1', 'rx', new Uint8Array())));
  expectNoticed(serial, losing(ofDevice('com1', 'timeoutAt', null)));
});

test('12. Input that the script has still to type is typed after a restore', () => {
  expectNoticed(serial, losing(ofDevice('com1-input', 'step', 0)));
});
