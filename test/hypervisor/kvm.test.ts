// SPDX-License-Identifier: BSD-2-Clause
import { openNativeEngine, wakeEngine } from '../../src/hypervisor/native.js';
import { engineContract } from '../contract/engine.contract.js';
import { kvmHere, kvmTscHz } from '../support/kvm-here.js';

const kvm = kvmHere();

if ('skipped' in kvm) {
  test.skip(kvm.skipped, () => {});
} else {
  engineContract('kvm', {
    open: (options) => openNativeEngine('kvm', { ...options, tscHz: kvmTscHz(kvm.probe) ?? options.tscHz }),
    wake: (engine) => wakeEngine(engine.id),
  });
}
