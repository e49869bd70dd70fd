// SPDX-License-Identifier: BSD-2-Clause
import { FakeEngine } from '../../src/hypervisor/fake.js';
import { engineContract } from '../contract/engine.contract.js';

engineContract('fake', {
  open: (options, guest) => new FakeEngine(options, guest.fake),
  wake: (engine) => (engine as FakeEngine).wake(),
});
