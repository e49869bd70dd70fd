// SPDX-License-Identifier: BSD-2-Clause
/** The bug zoo, omitted state: what somebody did not know had to be saved. */
import { type CborMap, decode, encode, isMap } from '../../src/core/cbor.js';
import { applyVcpu, captureVcpu, vcpuShape } from '../../src/hypervisor/vcpu-state.js';
import { tickMachine } from '../snapshot/support/tick-subject.js';
import type { SavedMachine } from '../support/proof.js';
import { events } from '../support/proof-guests/events.js';
import { lapic } from '../support/proof-guests/lapic.js';
import { processors } from '../support/proof-guests/processors.js';
import { system } from '../support/proof-guests/system.js';
import { valueIn, withValue } from '../support/wrong-restores.js';
import { expectNoticed, losing, ofOther, ofVcpu } from './support/strike.js';

const EIGHT_ZEROS = Array<number>(8).fill(0);
/** KVM's first paravirtual register: no table of ours has it. */
const CUSTOM_MSR = 0x4b56_4d00n;
/** An XSAVE area with AMX's tiles: SDM vol. 1, 13.5. */
const AMX_XSAVE = 11_008;

const MSRS = ['vcpu', 'fields', 'msrs'];

function msrsOf(saved: SavedMachine): CborMap[] {
  const rows = valueIn(saved, MSRS);
  return Array.isArray(rows) ? rows.filter(isMap) : [];
}

test.each([
  ['STAR', 0xc000_0081, events],
  ['KERNEL_GS_BASE', 0xc000_0102, events],
  ['MTRR_PHYSBASE0', 0x200, system],
])('14. %s was on no list of those to save', (_name, number, guest) => {
  expectNoticed(guest, {
    when: (saved) => msrsOf(saved).some((row) => row.number === number && row.value !== 0),
    spoil: (saved) =>
      withValue(
        saved,
        MSRS,
        msrsOf(saved).filter((row) => row.number !== number),
      ),
  });
});

test('14. The engine lists its MSRs, and whatever is on its list goes out and in', () => {
  const machine = tickMachine(1000n);
  const { engine } = machine.parts;
  const listed = engine.vcpu.getMsrs();
  const written: bigint[] = [];
  jest.spyOn(engine.vcpu, 'getMsrs').mockReturnValue(BigUint64Array.of(...listed, CUSTOM_MSR, 0x1234n));
  jest.spyOn(engine.vcpu, 'setMsrs').mockImplementation((pairs) => void written.push(...pairs));
  const saved = decode(encode(vcpuShape.save(captureVcpu(engine))));
  applyVcpu(engine, vcpuShape.load(saved, 'vcpu'));
  expect(written.slice(-2)).toEqual([CUSTOM_MSR, 0x1234n]);
  machine.close();
});

test('15. An XSAVE area larger than a page goes out and in whole', () => {
  const machine = tickMachine(1000n);
  const { engine } = machine.parts;
  const area = Uint8Array.from({ length: AMX_XSAVE }, (_, at) => at % 251);
  let written = new Uint8Array();
  jest.spyOn(engine.vcpu, 'getXsave').mockReturnValue(area);
  jest.spyOn(engine.vcpu, 'setXsave').mockImplementation((image) => {
    written = Uint8Array.from(image);
  });
  const saved = decode(encode(vcpuShape.save(captureVcpu(engine))));
  applyVcpu(engine, vcpuShape.load(saved, 'vcpu'));
  expect(written).toEqual(area);
  machine.close();
});

test.each([
  ['a requested interrupt', lapic, ofVcpu('lapic.request', EIGHT_ZEROS)],
  ['an interrupt in service', lapic, ofVcpu('lapic.in_service', EIGHT_ZEROS)],
  ['an error on its way into the ESR', lapic, ofVcpu('lapic.error_pending', [0])],
  ['the interrupt shadow', events, ofVcpu('registers.interrupt_shadow', 0)],
  ['the debug shadow', events, ofVcpu('registers.debug_shadow', 0)],
  ['the request to start', processors, ofOther('registers.sipi_pending', 0)],
  ['where to start', processors, ofOther('registers.sipi_vector', 0)],
  ['a debug exception that waits', events, ofVcpu('registers.pending_debug', 0)],
])('18. %s was forgotten', (_what, guest, loss) => {
  expectNoticed(guest, losing(loss));
});
