// SPDX-License-Identifier: BSD-2-Clause
import { maskedText } from '../../../src/hypervisor/cpu-models/masked.js';

test('each register that lacks bits is named with its leaf', () => {
  const rows = Uint32Array.of(1, 0, 0, 0, 0x0040_0000, 0x10, 0x8000_0008, 2, 1, 0, 0, 0);
  expect(maskedText(rows)).toBe('1h.0 ECX 0x00400000, 1h.0 EDX 0x00000010, 80000008h.2 EAX 0x00000001');
});

test('of a whole model there is nothing to say', () => {
  expect(maskedText(new Uint32Array())).toBe('');
});
