// SPDX-License-Identifier: BSD-2-Clause
/** The cables within one machine, by name. */
import type { NetBackend } from '../../devices/virtio/net-backend.js';
import { LoopbackCable } from '../host/net/loopback.js';

export class Cables {
  private readonly byName = new Map<string, LoopbackCable>();

  plug(name: string): NetBackend {
    const cable = this.byName.get(name) ?? new LoopbackCable(name);
    this.byName.set(name, cable);
    return cable.plug();
  }
}
