// SPDX-License-Identifier: BSD-2-Clause
/** What comes from the host while a hostile driver is at work. */
import { VirtioBalloon } from '../../devices/virtio/balloon.js';
import { VirtioConsole } from '../../devices/virtio/console.js';
import { VirtioNet } from '../../devices/virtio/net.js';
import type { VirtioModel } from '../../devices/virtio/virtio-kind.js';
import { VirtioVsock } from '../../devices/virtio/vsock.js';
import type { VsockMessage } from '../../devices/virtio/vsock-backend.js';

type Numbers = readonly [where: number, how: number, value: number];

export function fuzzHost(model: VirtioModel, numbers: Numbers): void {
  const [where, , value] = numbers;
  if (model instanceof VirtioNet) arrive(model, numbers);
  if (model instanceof VirtioVsock) call(model, numbers);
  if (model instanceof VirtioBalloon) {
    model.setTarget(where);
    model.refresh();
  }
  if (model instanceof VirtioConsole) {
    model.type(where & 1, new Uint8Array(value % 100));
    model.setOpen(1, (value & 1) !== 0);
    model.resize(value & 0xff, where & 0xff);
  }
}

/** A frame from outside, of any length and with any wishes. */
function arrive(card: VirtioNet, [where, how]: Numbers): void {
  const bytes = new Uint8Array(where & 1 ? where : where % 1600).fill(how & 0xff);
  const part = { flags: how & 3, gsoType: [0, 0, 1, 4, 5, 9][how % 6] ?? 0, hdrLen: where };
  card.receive({ bytes, header: { ...part, gsoSize: how % 3, csumStart: where % 100, csumOffset: how % 1000 } });
  card.setLink((how & 0xff) !== 1);
}

function call(device: VirtioVsock, [where, how, value]: Numbers): void {
  const ports = { host: where % 2, guest: how % 2 };
  const messages: readonly VsockMessage[] = [
    { op: 'request', ...ports },
    { op: 'response', ...ports },
    { op: 'reset', ...ports },
    { op: 'data', ...ports, bytes: new Uint8Array(value % 30_000) },
    { op: 'taken', ...ports, count: value % 100_000 },
    { op: 'shutdown', ...ports, receive: (where & 4) !== 0, send: (where & 8) !== 0 },
  ];
  const message = messages[value % messages.length];
  if (message !== undefined) device.receive(message);
  if (value % 997 === 0) device.rejoined();
}
