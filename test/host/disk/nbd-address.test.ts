// SPDX-License-Identifier: BSD-2-Clause
import { resolve } from 'node:path';
import fc from 'fast-check';
import { isNbd, nbdAddress, nbdUri } from '../../../src/host/disk/nbd-address.js';

const tcp = (host: string, port: string, exportName: string) => ({ socket: '', host, port, exportName });
const unix = (socket: string, exportName: string) => ({ socket, host: '', port: '', exportName });

describe('names of NBD exports', () => {
  test.each([
    ['nbd:unix:/run/a.sock', unix('/run/a.sock', '')],
    ['nbd:unix:/run/a.sock:exportname=disk', unix('/run/a.sock', 'disk')],
    ['nbd:unix:a.sock:exportname=a:b=/c', unix(resolve('a.sock'), 'a:b=/c')],
    ['nbd:server:10809', tcp('server', '10809', '')],
    ['nbd:[::1]:1:exportname=x', tcp('::1', '1', 'x')],
    ['nbd://server', tcp('server', '10809', '')],
    ['nbd://server/', tcp('server', '10809', '')],
    ['nbd://192.0.2.1:99//disk', tcp('192.0.2.1', '99', '/disk')],
    ['nbd://[2001:db8::1]:5/hello%20world', tcp('2001:db8::1', '5', 'hello world')],
    ['nbd+unix:///disk?socket=/run/a%2cb', unix('/run/a,b', 'disk')],
    ['nbd+unix:///?socket=a+b', unix(resolve('a+b'), '')],
    ['nbd+unix://?socket=/a', unix('/a', '')],
  ])('%s', (text, address) => {
    expect(isNbd(text)).toBe(true);
    expect(nbdAddress(text)).toEqual(address);
    expect(nbdAddress(nbdUri(address))).toEqual(address);
  });

  test.each([
    'nbd:',
    'nbd:server',
    'nbd:unix:',
    'nbd:server:0',
    'nbd:server:65536',
    'nbd:server:10809:export=x',
    'nbd:///x',
    'nbd://user@server/x',
    'nbd://server/%zz',
    'nbd://server/x?socket=/a',
    'nbd+unix:///x',
    'nbd+unix://host/x?socket=/a',
    'nbd+unix:///x?socket=/a&tls-type=psk',
    'nbd+vsock://2/x',
  ])('%s is refused', (text) => {
    if (isNbd(text)) expect(() => nbdAddress(text)).toThrow(/^'.*' is no name of an NBD export; accepted are nbd:unix/);
    else expect(text).toMatch(/vsock/);
  });

  test('TLS and impossible names are refused by name', () => {
    expect(() => nbdAddress('nbds://server/x')).toThrow("'nbds://server/x' wants TLS, which is not there");
    expect(() => nbdAddress('nbds+unix:///x?socket=/a')).toThrow('wants TLS');
    expect(() => nbdAddress('nbd+unix:///?socket=%00abstract')).toThrow('impossible name');
    expect(() => nbdAddress(`nbd://server/${'x'.repeat(4097)}`)).toThrow('impossible name');
  });

  test('files are files', () => {
    for (const path of ['./nbd:x', '/nbd:x', 'nbd', 'nbdisk.img', 'disk.img']) expect(isNbd(path)).toBe(false);
  });

  test('the one spelling says the same, without a comma', () => {
    const word = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(word, word, (exportName, path) => {
        const address = unix(resolve('/', path), exportName);
        const uri = nbdUri(address);
        expect(uri).not.toContain(',');
        expect(nbdAddress(uri)).toEqual(address);
      }),
    );
  });
});
