// SPDX-License-Identifier: BSD-2-Clause
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlApi } from '../../scripts/docs/control-api.js';
import { deviceHeader } from '../../scripts/docs/device-header.js';
import { deviceModel } from '../../scripts/docs/device-model.js';
import { statePage } from '../../scripts/docs/state-page.js';

const root = join(__dirname, '../..');
const text = (path: string) => readFileSync(join(root, path), 'utf8');

test('docs/device-model.md is what the devices say (after a change: npm run docs)', () => {
  expect(text('docs/device-model.md')).toBe(deviceModel(root));
});

test('docs/control-api.md is what the routes say (after a change: npm run docs)', () => {
  expect(text('docs/control-api.md')).toBe(controlApi());
});

test('docs/state/README.md is what the shapes say (after a change: npm run docs)', () => {
  expect(text('docs/state/README.md')).toBe(statePage());
});

test('docs/specs.md has the title of every key that a device cites', () => {
  const titles = new Set([...text('docs/specs.md').matchAll(/^\| ([^|]+?) \|/gm)].map(([, key]) => key));
  const files = readdirSync(join(root, 'devices'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts')).map((file) => text(join('devices', file)));
  const cited = new Set(sources.flatMap((source) => deviceHeader(source).specs));
  expect(cited.size).toBeGreaterThan(10);
  expect([...cited].filter((key) => !titles.has(key))).toEqual([]);
});

test('a header gives its first sentence, its citations and what is left out', () => {
  const source = `// SPDX-License-Identifier: BSD-2-Clause
/**
 * A lamp at port 0x10, with 1.5 W.
 * Reference: LAMP-TRM = Lamps 6.5, section 2; I82 = Intel 82.
 * More words.
 * Not modelled: warmth, and
 * flicker. It has no state.
 */
/** Another. */`;
  expect(deviceHeader(source)).toEqual({
    summary: 'A lamp at port 0x10, with 1.5 W',
    specs: ['LAMP-TRM', 'I82'],
    notModelled: 'warmth, and flicker',
  });
});
