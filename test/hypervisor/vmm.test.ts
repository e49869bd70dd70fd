// SPDX-License-Identifier: BSD-2-Clause
import { openNativeEngine, wakeEngine } from '../../src/hypervisor/native.js';
import { engineContract } from '../contract/engine.contract.js';
import { vmmHere } from '../support/vmm-here.js';

const vmm = vmmHere();

if ('skipped' in vmm) {
  test.skip(vmm.skipped, () => {});
} else {
  engineContract('vmm', {
    open: (options) => openNativeEngine('vmm', { ...options, tscHz: vmm.probe.tscHz }),
    wake: (engine) => wakeEngine(engine.id),
  });
}
