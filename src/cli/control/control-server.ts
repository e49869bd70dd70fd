// SPDX-License-Identifier: BSD-2-Clause
/**
 * HTTP on the control socket. It listens as soon as the VM runs; the framework behind it is loaded by the first request,
 * because a VM that nobody asks anything should neither start later for it nor need more memory.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { HostError, systemReason } from '../../host/host-error.js';
import { listenPrivately } from '../../host/private-socket.js';
import type { ControlSubject } from './subject.js';

/** How long clients have to take their last answers when the VM ends. */
const LAST_WORDS_MS = 1000;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
const CLIENTS_MAX = 64;

export class ControlServer {
  private constructor(private readonly server: Server) {}

  static open(path: string, subject: ControlSubject): Promise<ControlServer> {
    let listener: Promise<RequestListener> | null = null;
    const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS }, (request, response) => {
      listener ??= import('./control-app.js').then(({ controlApp }) => controlApp(server, subject));
      listener.then(
        (answer) => answer(request, response),
        () => request.destroy(),
      );
    });
    server.maxConnections = CLIENTS_MAX;
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        reject(new HostError(path, `cannot listen there: ${systemReason(cause)}`, { cause }));
      });
      server.once('listening', () => {
        // Accepting may fail later (too many open files); the client then retries, the guest must not stop.
        server.on('error', () => {});
        resolve(new ControlServer(server));
      });
      listenPrivately(server, path);
    });
  }

  /** Finishes the answers that are on their way. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.server.closeAllConnections(), LAST_WORDS_MS);
      this.server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.server.closeIdleConnections();
    });
  }
}
