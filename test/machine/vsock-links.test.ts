// SPDX-License-Identifier: BSD-2-Clause
import type { VsockMessage } from '../../devices/virtio/vsock-backend.js';
import { recordOf, type VsockEvent, VsockLinks } from '../../src/machine/vsock-links.js';

const call: VsockMessage = { op: 'request', host: 1, guest: 2 };

test('asks for sockets, and posts what the guest says', () => {
  const posted: VsockEvent[] = [];
  const backend = new VsockLinks((event) => posted.push(event)).open('vsock', '/socket');
  backend.send(call);
  expect(posted).toEqual([
    { event: 'vsock-open', id: 'vsock', path: '/socket' },
    { event: 'vsock', id: 'vsock', message: call },
  ]);
});

test('what the host says finds the device that it is for', () => {
  const links = new VsockLinks(() => {});
  const heard: VsockMessage[] = [];
  const backend = links.open('vsock', '/socket');
  backend.attach({ receive: (message) => heard.push(message) });
  links.hear('vsock', recordOf(call));
  links.hear('another', recordOf(call));
  links.hear('vsock', recordOf({ ...call, op: 'reset' }));
  expect(heard).toEqual([call, { ...call, op: 'reset' }]);
  backend.close();
  links.hear('vsock', recordOf(call));
  expect(heard).toHaveLength(2);
});
