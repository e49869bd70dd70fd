// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, bhyve's own holes: what its snapshots lack, found in its source. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildMachine } from '../../src/machine/build.js';
import { type MachineConfig, machineConfig } from '../../src/machine/config.js';
import { loadMachine } from '../../src/snapshot/load-machine.js';
import { saveMachine } from '../../src/snapshot/save-machine.js';
import { temporaryStore } from '../snapshot/support/temporary-store.js';
import { echoKernel } from '../support/echo-kernel.js';
import { type Restoring, restore, type SavedMachine, savesOf } from '../support/proof.js';
import { ioapic, pair } from '../support/proof-guests/controllers.js';
import { events } from '../support/proof-guests/events.js';
import { latches } from '../support/proof-guests/ports.js';
import { sse } from '../support/proof-guests/sse.js';
import { system } from '../support/proof-guests/system.js';
import { hpet, pit, rtc } from '../support/proof-guests/timers.js';
import { x87 } from '../support/proof-guests/x87.js';
import { proofSubject } from '../support/proof-subject.js';
import { replaceManifest } from '../support/signed-state.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { nothingAdopted, restoringWith, VCPU_STEPS, withoutAlarms, withValue } from '../support/wrong-restores.js';
import { expectForgotten, expectNoticed, losing, ofDevice, ofVcpu, withoutDevices } from './support/strike.js';

const SECOND = 1_000_000_000n;
/** ACPI and SMBIOS tables. */
const TABLES = 0xf_0000;
const TABLES_LENGTH = 0x1_0000;

test.each([
  ['x87', x87],
  ['SSE', sse],
])('bhyve 1. %s registers are not saved at all', (_name, guest) => {
  expectNoticed(guest, { restoring: restoringWith(VCPU_STEPS.filter((step) => step !== 'xsave')) });
});

test.each([
  ['an NMI that waits', events, ofVcpu('registers.nmi_pending', 0)],
  ['that an NMI is being served', events, ofVcpu('registers.nmi_blocked', 0)],
  ['an interrupt of the 8259 that waits in the local APIC', pair, ofVcpu('lapic.external_request', [0])],
])('bhyve 2. %s is not saved', (_what, guest, loss) => {
  expectNoticed(guest, losing(loss));
});

test('bhyve 3. MTRRs and pending debug exceptions are not saved', () => {
  expectNoticed(events, losing(ofVcpu('registers.pending_debug', 0)));
  expectNoticed(system, { restoring: restoringWith(VCPU_STEPS.filter((step) => step !== 'msrs')) });
});

test('bhyve 4. Command registers and BARs are copied, and nothing follows from it', () => {
  expectForgotten(latches, 'pci-0:0:0', 'pci-0:31:0');
});

test('bhyve 5. The 8254 is not armed again', () => {
  expectNoticed(pit, withoutAlarms('pit'));
});

test.each(['pm1', 'gpe', 'reset-control'])('bhyve 6. The state of %s is lost', (id) => {
  expectForgotten(latches, id);
});

test('bhyve 6. After a restore the power button does nothing', () => {
  const subject = proofSubject(latches);
  const pressed = (saved: SavedMachine, restoring: Restoring): boolean => {
    const machine = subject.build([], true);
    restoring(machine, saved);
    machine.resume();
    const isHeard = machine.pressPowerButton();
    machine.close();
    return isHeard;
  };
  const heard = [...savesOf(subject, [latches.end - 1n])].map((saved) => [
    pressed(saved, restore),
    pressed(saved, withoutDevices('pm1')),
  ]);
  expect(heard).toEqual([[true, false]]);
});

test('bhyve 6. The PM timer starts from 0, which is a step back', () => {
  expectNoticed(hpet, {
    restoring: (machine, saved) => {
      restore(machine, saved);
      machine.parts.engine.setTime(0n);
    },
  });
});

test('bhyve 7. The routes of PCI interrupts are lost', () => {
  expectForgotten(latches, 'pci-0:31:0');
});

test('bhyve 7. The levels of interrupt lines are lost', () => {
  expectNoticed(ioapic, {
    ...nothingAdopted,
    spoil: (saved) => withValue(saved, ['devices', 'ioapic', 'fields', 'lines'], 0),
  });
});

test.each(['pci', 'fw-cfg', 'post', 'post-84', 'port92', 'nmisc'])('bhyve 8. The latch of %s is lost', (id) => {
  expectForgotten(latches, id);
});

test('bhyve 8 and 9. The second that the real-time clock is in begins again', () => {
  expectNoticed(rtc, {
    when: ({ time }) => time > 0n,
    spoil: (saved) => withValue(saved, ['devices', 'rtc', 'fields', 'nextUpdate'], saved.time + SECOND),
  });
});

test('bhyve 9. The time that went by since power-on is not in the real-time clock', () => {
  expectNoticed(rtc, losing(ofDevice('rtc', 'time', Number(machineConfig({}).rtcBase))));
});

describe('through a store', () => {
  const store = temporaryStore();
  const kernel = join(temporaryFolder(), 'kernel');
  const config: Partial<MachineConfig> = {
    memory: 2 * 1024 * 1024,
    clock: { kind: 'virtual', numerator: 1, denominator: 1 },
    boot: { kernel, commandLine: '' },
    strictPorts: true,
    ignoreUnknownMsrs: true,
  };

  beforeAll(() => {
    writeFileSync(kernel, echoKernel());
    const machine = buildMachine(config);
    machine.powerOn();
    machine.parts.engine.memory.fill(TABLES, TABLES_LENGTH, 0x5a);
    machine.resume();
    machine.pause();
    saveMachine(machine, store, 'one');
    machine.close();
  });

  test('bhyve 10. Options of the command must be given again', () => {
    const { machine } = loadMachine(store, 'one');
    machine.close();
    expect(machine.parts.config).toMatchObject(config);
    const { machine: saved } = store.open('one').manifest;
    replaceManifest(store, 'one', { machine: { ...saved, strictPorts: false } });
    const other = loadMachine(store, 'one').machine;
    other.close();
    expect(other.parts.config.strictPorts).toBe(false);
  });

  test('bhyve 11. Firmware tables are built again over memory that was restored', () => {
    const { machine } = loadMachine(store, 'one');
    const { memory } = machine.parts.engine;
    const tables = () => Buffer.from(memory.slice(TABLES, TABLES_LENGTH));
    expect(tables()).toEqual(Buffer.alloc(TABLES_LENGTH, 0x5a));
    const fresh = buildMachine(config); // what bhyve does: the tables of a machine that starts
    fresh.parts.media?.load(machine.parts.engine);
    expect(tables()).not.toEqual(Buffer.alloc(TABLES_LENGTH, 0x5a));
    for (const each of [machine, fresh]) each.close();
  });
});
