// SPDX-License-Identifier: BSD-2-Clause
/**
 * Names of exports of NBD servers: QEMU's `nbd:unix:PATH:exportname=NAME` and `nbd:HOST:PORT:exportname=NAME`, and NBD
 * URIs (doc/uri.md of the NBD project). Left out: TLS and abstract sockets, which are refused.
 */
import { resolve } from 'node:path';

export interface NbdAddress {
  /** Absolute; empty if the server is reached over TCP. */
  readonly socket: string;
  readonly host: string;
  readonly port: string;
  readonly exportName: string;
}

const NBD_FORMS =
  'nbd:unix:PATH[:exportname=NAME], nbd:HOST:PORT[:exportname=NAME], nbd://HOST[:PORT][/NAME] and nbd+unix:///[NAME]?socket=PATH';

const DEFAULT_PORT = '10809';
/** "Values": the longest string of the protocol. */
const LONGEST_NAME = 4096;
const OF_UNIX = /^unix:(?<socket>.+?)(?::exportname=(?<exportName>.*))?$/s;
const OF_TCP = /^(?<host>\[[0-9A-Fa-f:.]+\]|[^:/[\]]+):(?<port>[^:]+)(?::exportname=(?<exportName>.*))?$/s;
const URI =
  /^(?<scheme>[a-z+]+):\/\/(?<host>\[[0-9A-Fa-f:.]+\]|[^:/?#@[\]]*)(?::(?<port>[^/?#@]*))?(?:\/(?<exportName>[^?#]*))?(?:\?(?<query>[^#]*))?$/s;

/** Whether a disk's path means an NBD server rather than a file; `./nbd:x` is the file. */
export function isNbd(path: string): boolean {
  return /^nbds?(:|\+unix:)/.test(path);
}

/** Throws an error whose message says what is wrong, for the end of a line that names the option. */
export function nbdAddress(path: string): NbdAddress {
  if (/^nbds/.test(path)) throw new Error(`'${path}' wants TLS, which is not there; accepted are ${NBD_FORMS}`);
  const address = path.includes('://') ? ofUri(path) : ofQemu(path.slice('nbd:'.length));
  if (address === null) throw new Error(`'${path}' is no name of an NBD export; accepted are ${NBD_FORMS}`);
  if (Buffer.byteLength(address.exportName) > LONGEST_NAME || /\0/.test(address.exportName + address.socket)) {
    throw new Error(`'${path}' has an impossible name; at most ${LONGEST_NAME} bytes without NUL are accepted`);
  }
  return address;
}

/** One spelling for all that mean the same; it has no comma. */
export function nbdUri({ socket, host, port, exportName }: NbdAddress): string {
  const name = exportName.split('/').map(encodeURIComponent).join('/');
  if (socket !== '') return `nbd+unix:///${name}?socket=${socket.split('/').map(encodeURIComponent).join('/')}`;
  return `nbd://${host.includes(':') ? `[${host}]` : host}:${port}/${name}`;
}

function ofQemu(rest: string): NbdAddress | null {
  const found = (rest.startsWith('unix:') ? OF_UNIX : OF_TCP).exec(rest)?.groups;
  if (found === undefined) return null;
  const { socket = '', host = '', port = '', exportName = '' } = found;
  if (socket !== '') return { socket: resolve(socket), host: '', port: '', exportName };
  return isPort(port) ? { socket: '', host: bare(host), port, exportName } : null;
}

function ofUri(uri: string): NbdAddress | null {
  const found = URI.exec(uri)?.groups;
  if (found === undefined) return null;
  const { scheme, host = '', port = '', exportName: encoded = '', query } = found;
  const parameters = new URLSearchParams(query?.replaceAll('+', '%2B') ?? '');
  const exportName = decoded(encoded);
  if (exportName === null) return null;
  if (scheme === 'nbd') {
    const number = port === '' ? DEFAULT_PORT : port;
    const isSound = host !== '' && isPort(number) && parameters.size === 0;
    return isSound ? { socket: '', host: bare(host), port: number, exportName } : null;
  }
  const socket = parameters.get('socket');
  if (scheme !== 'nbd+unix' || host !== '' || port !== '' || !socket || parameters.size !== 1) return null;
  return { socket: resolve(socket), host: '', port: '', exportName };
}

function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65536;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
