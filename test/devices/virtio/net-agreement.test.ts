// SPDX-License-Identifier: BSD-2-Clause
import { netAgreement } from '../../../devices/virtio/net-agreement.js';
import { CSUM, GUEST_CSUM, GUEST_TSO4, MRG_RXBUF, MTU } from '../../support/net-card.js';
import { VERSION_1 } from '../../support/virtio-driver.js';

test('offloads that are switched off are not taken', () => {
  const { features, taken, offloads } = netAgreement(CSUM | GUEST_CSUM | GUEST_TSO4, GUEST_TSO4);
  expect(features).toBe(CSUM | GUEST_CSUM | GUEST_TSO4);
  expect([taken, offloads]).toEqual([CSUM | GUEST_CSUM, GUEST_CSUM]);
});

test.each([
  [0n, 10, false],
  [MTU, 10, false],
  [VERSION_1, 12, false],
  [MRG_RXBUF, 12, true],
])('the header with features %j', (features, headerLength, mayMerge) => {
  expect(netAgreement(features, 0n)).toMatchObject({ headerLength, mayMerge, hasMtu: features === MTU });
});
