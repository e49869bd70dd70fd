// SPDX-License-Identifier: BSD-2-Clause
/** What tsbhyvectl does with all running VMs. */
import { runningNames } from '../run-lock.js';
import { sizeText } from '../sizes.js';
import { ControlClient } from './control-client.js';
import { savedText } from './verbs.js';
import { untilEnded } from './vm-end.js';

/** Saves at once: more only wait for the same disk. */
const AT_ONCE = 4;

export interface AllOutput {
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** False if any could not be suspended; the others are all the same. */
export async function suspendAll({ print, complain }: AllOutput): Promise<boolean> {
  const names = runningNames();
  let whole = true;
  const worker = async (): Promise<void> => {
    for (let vm = names.shift(); vm !== undefined; vm = names.shift()) {
      try {
        const saved = await new ControlClient(vm).save('/suspend', {});
        await untilEnded(vm);
        print(`${vm}: ${savedText('suspended as', saved)}`);
      } catch (error) {
        whole = false;
        complain((error as Error).message);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return whole;
}

interface Status {
  readonly pid: number;
  readonly state: string;
  readonly saving: string | null;
  readonly memory: number;
  readonly engine: string;
}

/** One line for each VM, also for one that cannot be asked. */
export async function listVms(): Promise<string> {
  const lines = await Promise.all(runningNames().map(listLine));
  return lines.join('');
}

async function listLine(vm: string): Promise<string> {
  try {
    const { pid, state, saving, memory, engine } = await new ControlClient(vm).ask<Status>('GET', '/status');
    const doing = saving === null ? state : `${state} (${saving})`;
    return `${vm}  ${doing}  pid ${pid}  ${sizeText(memory)}  ${engine}\n`;
  } catch (error) {
    return `${(error as Error).message}\n`;
  }
}
