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
  backend.attach({ receive: (message) => heard.push(message), roomAgain: () => {} });
  links.hear('vsock', recordOf(call));
  links.hear('another', recordOf(call));
  links.hear('vsock', recordOf({ ...call, op: 'reset' }));
  expect(heard).toEqual([call, { ...call, op: 'reset' }]);
  backend.close();
  links.hear('vsock', recordOf(call));
  expect(heard).toHaveLength(2);
});

test('a device that says more than is heard is told to wait, and when it need not any more', () => {
  const links = new VsockLinks(() => {});
  const backend = links.open('vsock', '/socket');
  const rooms: string[] = [];
  backend.attach({ receive: () => {}, roomAgain: () => rooms.push('room') });
  for (let count = 0; count < 1023; count += 1) backend.send(call);
  expect(backend.isCrowded).toBe(false);
  backend.send(call);
  backend.send(call);
  expect(backend.isCrowded).toBe(true);
  links.wasHeard('vsock', 1);
  expect([backend.isCrowded, ...rooms]).toEqual([true]);
  links.wasHeard('vsock', 256);
  links.wasHeard('vsock', 256);
  expect([backend.isCrowded, ...rooms]).toEqual([false, 'room']);
});
