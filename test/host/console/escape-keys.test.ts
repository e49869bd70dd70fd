// SPDX-License-Identifier: BSD-2-Clause
import { type EscapeCommand, EscapeKeys } from '../../../src/host/console/escape-keys.js';

function filtered(...chunks: string[]): { guest: string; commands: EscapeCommand[] } {
  const commands: EscapeCommand[] = [];
  const keys = new EscapeKeys((command) => commands.push(command));
  const guest = chunks.map((chunk) => Buffer.from(keys.filter(Buffer.from(chunk, 'latin1'))).toString('latin1'));
  return { guest: guest.join(''), commands };
}

test('text without Ctrl-A passes untouched, Ctrl-C and all', () => {
  const text = Array.from({ length: 256 }, (_, code) => (code === 1 ? '' : String.fromCharCode(code))).join('');
  expect(filtered(text)).toEqual({ guest: text, commands: [] });
});

test('Ctrl-A x exits, h and ? help, s, z and c are known; the guest sees neither key', () => {
  expect(filtered('ab\x01xcd\x01h\x01?\x01s\x01z\x01c\x01q')).toEqual({
    guest: 'abcd',
    commands: ['exit', 'help', 'help', 'snapshot', 'suspend', 'cancel', 'unknown'],
  });
});

test('Ctrl-A twice is one Ctrl-A for the guest', () => {
  expect(filtered('\x01\x01x\x01\x01\x01\x01')).toEqual({ guest: '\x01x\x01\x01', commands: [] });
});

test('the two keys may arrive apart', () => {
  expect(filtered('a\x01', 'x', '\x01', '\x01b')).toEqual({ guest: 'a\x01b', commands: ['exit'] });
});
