// SPDX-License-Identifier: BSD-2-Clause
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { sharingFolder } from '../../../support/sharing-folder.js';
import { action, Life } from './support/life.js';
import { remove, temporaryImage } from './support/subject.js';

const RUNS = 15;

function lives(parent: string): void {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
      const { folder, path } = temporaryImage(parent);
      try {
        new Life(path).run(actions);
      } finally {
        remove(folder);
      }
    }),
    { numRuns: RUNS },
  );
}

test('every state that is kept is what it was, in whatever order things happen', () => lives(tmpdir()));

const sharing = sharingFolder();
if (typeof sharing === 'string') {
  test.skip(`the same with shared blocks (${sharing})`, () => {});
} else {
  afterAll(sharing.release);
  test('the same with shared blocks', () => lives(sharing.folder));
}
