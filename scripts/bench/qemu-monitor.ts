// SPDX-License-Identifier: BSD-2-Clause
/** QEMU's human monitor on a unix socket. */
import { connect, type Socket } from 'node:net';
import { BenchError } from './bench-error.js';

const PROMPT = '(qemu) ';
const RETRY_MS = 10;
const TRIES = 500;

export class QemuMonitor {
  private text = '';
  private changed: () => void = () => {};

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.changed();
    });
  }

  /** Words for QEMU's command line. */
  static options(path: string): string[] {
    return ['-monitor', `unix:${path},server,nowait`];
  }

  static async open(path: string): Promise<QemuMonitor> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const socket = await connected(path);
      if (socket !== null) {
        const monitor = new QemuMonitor(socket);
        await monitor.prompt();
        return monitor;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    throw new BenchError(`${path}: QEMU did not open its monitor`);
  }

  /** Milliseconds until the monitor has done it and asks again. */
  async time(command: string): Promise<number> {
    this.text = '';
    const start = performance.now();
    this.socket.write(`${command}\n`);
    await this.prompt();
    if (this.text.includes('Error')) throw new BenchError(`QEMU: ${command}: ${this.text}`);
    return performance.now() - start;
  }

  close(): void {
    this.socket.destroy();
  }

  private async prompt(): Promise<void> {
    while (!this.text.endsWith(PROMPT)) {
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    }
  }
}

/** Null while nobody listens there. */
function connected(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}
