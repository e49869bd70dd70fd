// SPDX-License-Identifier: BSD-2-Clause
/** Starts the program of `main.ts`: each call is a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/hypervisor/package-root.js';
import { decodeAnswers, encodeOrders, type LifeAnswer, type LifeOrder, type LifeReport } from './life.js';

const PROGRAM = join(packageRoot(), 'dist/test/support/process/main.js');

/** Orders of one process are carried out one after the other, each with a machine of its own. */
export function answersInNewProcess(orders: readonly LifeOrder[]): Promise<LifeAnswer[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(decodeAnswers(Buffer.concat(chunks)));
      else reject(new Error(`the new process ended with ${signal ?? `status ${status}`}`));
    });
    child.stdin.on('error', reject);
    child.stdin.end(encodeOrders(orders));
  });
}

export async function liveInNewProcess(order: LifeOrder): Promise<LifeReport> {
  const [answer] = await answersInNewProcess([order]);
  if (answer === undefined) throw new Error('the new process gave no answer');
  if ('failure' in answer) throw new Error(`${order.name}, in a new process: ${answer.failure}`);
  return answer;
}
