// SPDX-License-Identifier: BSD-2-Clause
/** Machines with the echo kernel, on threads of their own, which a test need not close. The threads run the compiled sources. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MachineConfig, machineConfig } from '../../../src/machine/config.js';
import { MachineHost, type MachineHostOptions } from '../../../src/machine/machine-host.js';
import type { StopReason } from '../../../src/machine/stop.js';
import { echoKernel } from '../../support/echo-kernel.js';

export let folder: string;
let kernel: string;
const hosts: MachineHost[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbhyve-test-'));
  kernel = join(folder, 'kernel');
  writeFileSync(kernel, echoKernel());
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});

/** A machine with the echo kernel, and ways to wait for what it does. */
export async function startEcho(
  options: MachineHostOptions = {},
  memory = 4 * 1024 * 1024,
  config: Partial<MachineConfig> = {},
) {
  let text = '';
  let stop: StopReason | undefined;
  let look: () => void = () => {};
  const changed = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  const host = await MachineHost.start(machineConfig({ memory, boot: { kernel, commandLine: '' }, ...config }), {
    outputs: {
      com1: (bytes) => {
        text += Buffer.from(bytes).toString('latin1');
        look();
      },
    },
    onStopped: (reason) => {
      stop = reason;
      look();
    },
    ...options,
  });
  hosts.push(host);
  return {
    host,
    text: () => text,
    output: (wanted: string) => changed(() => text.includes(wanted)),
    stopped: async () => {
      await changed(() => stop !== undefined);
      const reason = stop;
      stop = undefined;
      return reason;
    },
  };
}

export const type = (host: MachineHost, text: string) => host.call('type', 'com1', new TextEncoder().encode(text));
