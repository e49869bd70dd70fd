// SPDX-License-Identifier: BSD-2-Clause
import { vsockConfig } from '../../src/machine/vsock-options.js';

test('says what it is told', () => {
  const modern = { interfaces: 'modern', packed: false, msix: true };
  expect(vsockConfig('s', { path: '/x' })).toEqual({ ...modern, cid: 3n, path: '/x' });
  expect(vsockConfig('s', { loopback: 'true', cid: '4294967294', packed: 'on' })).toEqual({
    ...modern,
    packed: true,
    cid: 0xfffffffen,
    path: null,
  });
});

test.each<[Record<string, string>, string]>([
  [{}, 's path: missing; give the path of a socket, or loopback'],
  [{ path: '/x', loopback: 'on' }, 's path: given together with loopback'],
  [{ path: '/x', cid: '2' }, "s cid: '2'; a whole number from 3 to 4294967294 is accepted"],
  [{ path: '/x', cid: '4294967295' }, "s cid: '4294967295'"],
  [{ path: '/x', modern: 'off' }, "s modern: 'off'; a socket device has the modern interface only, so on is accepted"],
  [{ path: '/x', modern: 'transitional' }, "s modern: 'transitional'"],
  [{ path: `/${'x'.repeat(96)}` }, 'has 97 bytes; at most 96 are accepted'],
])('%j is refused', (options, why) => {
  expect(() => vsockConfig('s', options)).toThrow(why);
});
