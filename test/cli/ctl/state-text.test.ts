// SPDX-License-Identifier: BSD-2-Clause
import { REGISTER_OPTIONS } from '../../../src/cli/ctl/register-options.js';
import { membersText, stateText } from '../../../src/cli/ctl/state-text.js';

const option = (word: string) => REGISTER_OPTIONS.filter((candidate) => candidate.word === word);

test('registers come in the order in which they were asked for, groups whole', () => {
  const state = {
    general: { rip: '0x1', rax: '0x2' },
    segments: { cs_base: '0x3' },
    lapic: { id: '0x4', request: ['0x5', '0x6'] },
  };
  const asked = [...option('cs-base'), ...option('rip'), ...option('lapic')];
  expect(stateText(state, asked).replaceAll(/ +/g, ' ')).toBe(
    'cs_base 0x3\nrip 0x1\nid 0x4\nrequest[0] 0x5\nrequest[1] 0x6\n',
  );
});

test('an XSAVE area is lines of 32 bytes with their offsets', () => {
  const state = { xsave: { area: `${'ab'.repeat(32)}cd` } };
  expect(stateText(state, option('xsave')).replaceAll(/ +/g, ' ')).toBe(`area+0x0 ${'ab'.repeat(32)}\narea+0x20 cd\n`);
});

test('members of members have both names, and null is a dash', () => {
  expect(membersText({ saves: 1, exits: { Hlt: 4 }, lastSave: null }).replaceAll(/ +/g, ' ')).toBe(
    'saves 1\nexits.Hlt 4\nlastSave -\n',
  );
});

test('no two options have the same word', () => {
  expect(new Set(REGISTER_OPTIONS.map(({ word }) => word)).size).toBe(REGISTER_OPTIONS.length);
});
