// SPDX-License-Identifier: BSD-2-Clause
/**
 * The VM generation id device: tells a guest that it was cloned or restored from a snapshot.
 * Reference: Microsoft "Virtual Machine Generation ID", 2012. Its change notice is general-purpose event 0.
 */
import * as aml from './aml.js';

const PATH = '\\_SB.VGEN';
const CHANGED = 0x80;

export function vmGenerationDevice(address: number): aml.Aml {
  const high = Math.floor(address / 0x100000000);
  return aml.device(
    'VGEN',
    aml.name('_HID', aml.string('TSBH0001')),
    aml.name('_CID', aml.string('VM_Gen_Counter')),
    aml.name('_DDN', aml.string('VM_Gen_Counter')),
    aml.name('ADDR', aml.packageList(aml.integer(address % 0x100000000), aml.integer(high))),
  );
}

export function vmGenerationEvent(): aml.Aml {
  return aml.scope('\\_GPE', aml.method('_E00', {}, aml.notify(aml.ref(PATH), aml.integer(CHANGED))));
}
