// SPDX-License-Identifier: BSD-2-Clause
import { ConfigError } from '../../src/machine/config-error.js';
import { folderConfig } from '../../src/machine/ninep-options.js';

const share = { sharename: 'home', path: '/home' };

test('a shared folder is read-only unless somebody says otherwise', () => {
  expect(folderConfig('share', share)).toEqual({
    path: '/home',
    tag: 'home',
    readOnly: true,
    interfaces: 'transitional',
    packed: false,
    msix: true,
  });
  expect(folderConfig('share', { ...share, ro: 'true' }).readOnly).toBe(true);
  expect(folderConfig('share', { ...share, rw: 'true' }).readOnly).toBe(false);
});

test.each([
  [{}, 'share sharename: missing; give NAME=FOLDER'],
  [{ sharename: 'home', path: '' }, 'share sharename: missing'],
  [{ ...share, sharename: 'h\u00e9' }, "share sharename: 'h\u00e9'; 1 to 230 printable characters are accepted"],
  [{ ...share, sharename: 'x'.repeat(231) }, '1 to 230 printable characters are accepted'],
  [{ ...share, ro: 'on', rw: 'on' }, 'share rw: given together with ro'],
  [{ ...share, rw: 'perhaps' }, "share rw: 'perhaps'; accepted are on and off"],
])('%j is refused', (options, message) => {
  expect(() => folderConfig('share', options)).toThrow(ConfigError);
  expect(() => folderConfig('share', options)).toThrow(message);
});
