// SPDX-License-Identifier: BSD-2-Clause
import { sourceLines } from '../../../scripts/debian-image/debian-sources.js';

const targets = [
  'Debian http://mirror/debian/ bookworm main',
  'Debian http://mirror/debian/ bookworm contrib',
  'Debian http://mirror/debian/ bookworm-updates main',
  'Debian http://mirror/debian/ trixie main',
  'Somebody http://elsewhere/ bookworm main',
  '',
].join('\n');

test("the release's own sources of Debian, and nobody else's", () => {
  expect(sourceLines(targets, 'bookworm')).toEqual([
    'deb http://mirror/debian/ bookworm main',
    'deb http://mirror/debian/ bookworm contrib',
    'deb http://mirror/debian/ bookworm-updates main',
  ]);
});

test('a host without them is told what is missing', () => {
  const message = "this host's apt has no source of Debian sid; one is needed in /etc/apt";
  expect(() => sourceLines(targets, 'sid')).toThrow(message);
  expect(() => sourceLines('Debian http://mirror/debian/ bookworm-updates main', 'bookworm')).toThrow(/no source/);
});
