// SPDX-License-Identifier: BSD-2-Clause
/** When the VM stands and before its guest runs, this process gives up what they do not need (decision 0014). */
import { realpathSync } from 'node:fs';
import type { LogSink } from '../core/log.js';
import { LayerFolder } from '../host/disk/layers/folder.js';
import { HostError, systemReason } from '../host/host-error.js';
import { ignoringFailure } from '../host/ignoring-failure.js';
import { enterSandbox, sandboxKind } from '../hypervisor/sandbox.js';
import { SnapshotStore } from '../snapshot/store.js';
import type { RunPaths } from './run-paths.js';
import { sandboxRules, writableImages } from './sandbox-rules.js';
import type { Settings } from './settings.js';

/** This process is kept to files that it may open, for ever. */
let keepsFiles = false;

export function confine(settings: Settings, run: RunPaths, log: LogSink): void {
  if (!settings.sandbox) {
    log('info', 'sandbox', 'off');
    return;
  }
  makePlaces(settings);
  // The filter leaves no way to ask afterwards.
  const kind = sandboxKind();
  try {
    enterSandbox(sandboxRules(settings, run));
  } catch (cause) {
    throw new HostError('sandbox', `${systemReason(cause)}; --sandbox off runs the VM without`, { cause });
  }
  keepsFiles = kind === 'seccomp and Landlock';
  if (keepsFiles) log('info', 'sandbox', 'seccomp and Landlock');
  else log('warn', 'sandbox', 'seccomp; no Landlock in this kernel');
}

/** Throws if a snapshot cannot be put there because the VM does not reach that folder. */
export function checkStore(settings: Settings, store: string): void {
  if (!keepsFiles) return;
  const own = [settings.store, ...(settings.resume === undefined ? [] : [settings.resume.store])];
  if (own.some((folder) => real(folder) === real(store))) return;
  const ways = '--store names another when a VM starts, and --sandbox off keeps it from none';
  throw new Error(
    `store ${store}: the sandbox keeps this VM to ${own.map((folder) => `'${folder}'`).join(' and ')}; ${ways}`,
  );
}

/** Folders that are made later would be out of reach. What is wrong with one is told when something is to be saved there: a VM that saves nothing runs without. */
function makePlaces(settings: Settings): void {
  ignoringFailure(() => void new SnapshotStore(settings.store));
  for (const image of writableImages(settings)) ignoringFailure(() => new LayerFolder(image).make());
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
