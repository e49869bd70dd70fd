// SPDX-License-Identifier: BSD-2-Clause
/** Waiting for the end of a VM's process, and bringing it about. */
import { ownerOf, removeDead } from '../run-lock.js';
import { ControlClient, noSuchVm } from './control-client.js';
import { CtlError } from './ctl-error.js';

const LOOK_AGAIN_MS = 10;
/** A process gives back its memory before it lets go of its name. */
const END_MS = 30_000;
/** How long a VM has to end by itself, once it is to be destroyed. */
const ASKED_MS = 3000;

/** After this its name is free. */
export async function untilEnded(vm: string): Promise<void> {
  if (await hasEnded(vm, END_MS)) return;
  throw new CtlError(`${vm}: the VM has stopped, but its process${pidText(vm)} has not ended for ${END_MS / 1000} s`);
}

/** The VM ends at once, and nothing of it is left in the run folder. It works on one that hangs, and on a dead one. */
export async function destroy(vm: string, askedMs = ASKED_MS): Promise<void> {
  const owner = ownerOf(vm);
  if (owner === null) throw noSuchVm(vm);
  if (owner.alive && !(await endedByItself(vm, askedMs))) await kill(vm);
  if (!removeDead(vm)) throw new CtlError(`${vm}: another VM of this name has started meanwhile`);
}

async function endedByItself(vm: string, limitMs: number): Promise<boolean> {
  const asked = new ControlClient(vm, limitMs).ask('POST', '/power-off').catch(() => null); // then it is killed
  const [, ended] = await Promise.all([asked, hasEnded(vm, limitMs)]);
  return ended;
}

async function kill(vm: string): Promise<void> {
  const owner = ownerOf(vm);
  if (owner?.alive !== true) return;
  if (owner.pid === null) throw new CtlError(`${vm}: its process is not known, so it cannot be ended`);
  process.kill(owner.pid, 'SIGKILL');
  await untilEnded(vm);
}

async function hasEnded(vm: string, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (ownerOf(vm)?.alive === true) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return true;
}

function pidText(vm: string): string {
  const pid = ownerOf(vm)?.pid ?? null;
  return pid === null ? '' : ` (pid ${pid})`;
}
