// SPDX-License-Identifier: BSD-2-Clause
/** How others reach a VM while it runs: its detached console and its control socket, in the run folder. */
import type { DetachedConsole } from '../host/console/detached-console.js';
import type { ConsoleBackend, GuestLine } from '../host/console/guest-line.js';
import type { ConsoleId } from '../machine/config.js';
import type { StopReason } from '../machine/stop.js';
import type { ConsoleInfo, ControlSubject } from './control/subject.js';
import type { RunFolder } from './run-folder.js';

type Consoles = ReadonlyMap<ConsoleId, ConsoleBackend>;

export class VmDoor {
  private detached: DetachedConsole | null = null;
  private control: { close(): Promise<void> } | null = null;

  constructor(private readonly folder: RunFolder) {}

  /** `resumed` is the snapshot that the VM goes on from. */
  async openConsole(line: GuestLine, resumed: string | undefined): Promise<ConsoleBackend> {
    const { DetachedConsole } = await import('../host/console/detached-console.js');
    const earlier = this.folder.earlierOutput(resumed ?? null);
    this.detached = await DetachedConsole.open(this.folder.paths.console, line, { earlier });
    return this.detached;
  }

  /** For a VM that runs. */
  async openControl(subject: Omit<ControlSubject, 'consoles'>, consoles: Consoles): Promise<void> {
    this.folder.forgetOutput();
    const { ControlServer } = await import('./control/control-server.js');
    const all = { ...subject, consoles: () => [...consoles].map((entry) => this.info(entry)) };
    this.control = await ControlServer.open(this.folder.paths.control, all);
  }

  /** After the consoles and the VM: everybody gets an answer. Nothing here changes how the VM has ended. */
  async close(reason: StopReason | null, print: (text: string) => void): Promise<void> {
    await this.control?.close();
    if (reason?.kind !== 'suspended' || this.detached === null) return;
    try {
      this.folder.keepOutput(reason.snapshot, this.detached.unread);
    } catch (error) {
      print((error as Error).message);
    }
  }

  private info([port, backend]: readonly [ConsoleId, ConsoleBackend]): ConsoleInfo {
    const detached = backend === this.detached ? this.detached : null;
    return {
      port,
      place: backend.place,
      socket: detached === null ? null : this.folder.paths.console,
      attached: detached?.attached ?? false,
    };
  }
}
