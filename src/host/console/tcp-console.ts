// SPDX-License-Identifier: BSD-2-Clause
/** `tcp=ADDRESS:PORT`, with an IPv6 address in brackets. Port 0 takes a free one. */
import { isIP } from 'node:net';
import { HostError, systemReason } from '../host-error.js';
import type { GuestLine } from './guest-line.js';
import { SocketConsole } from './socket-console.js';

export async function openTcpConsole(text: string, line: GuestLine): Promise<SocketConsole> {
  const place = `tcp=${text}`;
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(portText);
  if (!(port <= 65535) || isIP(host) === 0) {
    throw new HostError(place, 'not an address; accepted are tcp=IPV4:PORT and tcp=[IPV6]:PORT');
  }
  try {
    return await SocketConsole.open(place, line, (server) => server.listen({ host, port }));
  } catch (cause) {
    throw new HostError(place, `cannot listen there: ${systemReason(cause)}`, { cause });
  }
}
