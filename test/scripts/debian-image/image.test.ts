// SPDX-License-Identifier: BSD-2-Clause
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageFolder, imageIn, RECIPE } from '../../../scripts/debian-image/image.js';
import type { Step } from '../../../scripts/quickstart/tools.js';

let cache = '';
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'tsbhyve-cache-'));
  mkdirSync(imageFolder(cache));
});
afterEach(() => rmSync(cache, { recursive: true }));

const noStep: Step = (title) => Promise.reject(new Error(`${title} was not to be done`));

test('an image that is there is left alone', async () => {
  writeFileSync(join(imageFolder(cache), 'recipe'), RECIPE);
  const image = await imageIn(cache, noStep);
  expect(image.disk).toBe(join(cache, 'debian-image/root.img'));
});

test('one of another recipe is refused, with the way out', async () => {
  writeFileSync(join(imageFolder(cache), 'recipe'), 'other');
  await expect(imageIn(cache, noStep)).rejects.toThrow(/made by another version.*--fresh makes it anew/);
});
