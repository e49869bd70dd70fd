// SPDX-License-Identifier: BSD-2-Clause
/** The name of a VM while this process has it: nobody else runs a VM of that name. */
import { closeSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { HostError, systemReason } from '../host/host-error.js';
import { FILE_MODE, FOLDER_MODE, removeFolder, takeLock } from './run-lock.js';
import { type RunPaths, runPaths, runRoot } from './run-paths.js';

/** Ends the first line of the output that is kept: the snapshot that the rest belongs to. */
const LINE_FEED = 0x0a;

export class RunFolder {
  private constructor(
    readonly paths: RunPaths,
    private readonly lock: number,
  ) {}

  /** Refuses a name whose VM is alive. Of a dead one the sockets are removed. */
  static claim(name: string, root = runRoot()): RunFolder {
    const paths = runPaths(name, root);
    try {
      ownFolder(root);
      const lock = takeLock(name, paths);
      for (const socket of [paths.control, paths.console]) rmSync(socket, { force: true });
      writeFileSync(paths.pid, `${process.pid}\n`, { mode: FILE_MODE });
      return new RunFolder(paths, lock);
    } catch (cause) {
      // What the system did not refuse is not about this folder: no addon, for example.
      if (cause instanceof HostError || !Object.hasOwn(Object(cause), 'errno')) throw cause;
      const problem = `cannot be the run folder: ${systemReason(cause)}; TSBHYVE_RUN names another`;
      throw new HostError(paths.folder, problem, { cause });
    }
  }

  /** What the VM wrote on its detached console before it was suspended as `snapshot`, and nobody has read. */
  earlierOutput(snapshot: string | null): Uint8Array {
    const { output } = this.paths;
    const bytes = existsSync(output) ? readFileSync(output) : Buffer.alloc(0);
    const end = bytes.indexOf(LINE_FEED);
    return bytes.toString('latin1', 0, Math.max(0, end)) === snapshot ? bytes.subarray(end + 1) : new Uint8Array(0);
  }

  /** The VM runs: what came before is this process's business, and no resume that fails can come between. */
  forgetOutput(): void {
    rmSync(this.paths.output, { force: true });
  }

  /** Leaves it for whoever resumes that snapshot under this name, until the host is switched off. */
  keepOutput(snapshot: string, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const head = Buffer.from(`${snapshot}\n`, 'latin1');
    try {
      writeFileSync(this.paths.output, Buffer.concat([head, bytes]), { mode: FILE_MODE });
    } catch (cause) {
      rmSync(this.paths.output, { force: true });
      throw new HostError(this.paths.output, `the unread output is lost: ${systemReason(cause)}`, { cause });
    }
  }

  /** The lock goes last, so that whoever waits for it finds a clean place. */
  release(): void {
    if (existsSync(this.paths.output)) rmSync(this.paths.pid, { force: true });
    else removeFolder(this.paths);
    closeSync(this.lock);
  }
}

/** Whoever may write there could put a socket of their own in a VM's place. */
function ownFolder(root: string): void {
  mkdirSync(root, { recursive: true, mode: FOLDER_MODE });
  const { uid, mode } = statSync(root);
  if (uid === process.getuid?.() && (mode & 0o022) === 0) return;
  throw new HostError(root, 'somebody else may write to this folder; expected one of your own as TSBHYVE_RUN');
}
