// SPDX-License-Identifier: BSD-2-Clause
/** The other end of a VM's control socket. */
import { type IncomingMessage, request } from 'node:http';
import { ownerOf } from '../run-lock.js';
import { runPaths } from '../run-paths.js';
import { CtlError } from './ctl-error.js';

/** Only saves may take longer. */
const ANSWER_MS = 10_000;
/** XSAVE areas and all registers together stay far below. */
const ANSWER_MAX = 1024 * 1024;

export interface SavedAnswer {
  readonly name: string;
  readonly store: string;
  readonly bytes: number;
  readonly stoppedMilliseconds: number;
  readonly lastPages: number;
}

/** The members of `SaveOrder` and a store; those that are undefined are left to the VM. */
export interface SaveBody {
  readonly name?: string;
  readonly store?: string;
  readonly parent?: string;
  readonly live?: boolean;
}

interface SaveLine {
  readonly progress?: { readonly done: number; readonly total: number };
  readonly result?: SavedAnswer;
  readonly error?: string;
}

type Method = 'GET' | 'POST';

export class ControlClient {
  private readonly socketPath: string;

  constructor(
    readonly vm: string,
    private readonly answerMs = ANSWER_MS,
  ) {
    this.socketPath = runPaths(vm).control;
  }

  /** The caller knows from the route what the answer holds. */
  async ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.send(method, path, text, this.answerMs);
    const answer = await wholeText(response, this.vm);
    if (response.statusCode !== 200) throw this.refusal(answer);
    return JSON.parse(answer) as T;
  }

  /** Resolves when the snapshot is durable. */
  async save(
    path: '/suspend' | '/snapshot',
    body: SaveBody,
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<SavedAnswer> {
    const response = await this.send('POST', path, JSON.stringify(body));
    if (response.statusCode !== 200) throw this.refusal(await wholeText(response, this.vm));
    for await (const text of linesOf(response)) {
      const { progress, result, error } = JSON.parse(text) as SaveLine; // the route's schema
      if (progress !== undefined) onProgress(progress.done, progress.total);
      if (error !== undefined) throw new CtlError(`${this.vm}: ${error}`);
      if (result !== undefined) return result;
    }
    throw new CtlError(`${this.vm}: the VM ended before it was saved`);
  }

  private send(method: Method, path: string, body?: string, limitMs?: number): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = request({ socketPath: this.socketPath, method, path, headers, agent: false }, resolve);
      if (limitMs !== undefined) {
        sent.setTimeout(limitMs, () => {
          sent.destroy();
          reject(new CtlError(`${this.vm}: no answer for ${limitMs / 1000} s; --destroy ends a VM that hangs`));
        });
      }
      sent.once('error', (error: NodeJS.ErrnoException) => reject(this.unreachable(error)));
      sent.end(body);
    });
  }

  private refusal(text: string): CtlError {
    const { error } = JSON.parse(text) as { error?: string }; // every answer that is not 200 has it
    return new CtlError(`${this.vm}: ${error ?? text}`);
  }

  private unreachable(error: NodeJS.ErrnoException): CtlError {
    const owner = ownerOf(this.vm);
    if (owner?.alive !== true) return noSuchVm(this.vm);
    if (error.code !== 'ENOENT' && error.code !== 'ECONNREFUSED')
      return new CtlError(`${this.vm}: the VM hung up (${error.code ?? error.message})`);
    return new CtlError(`${this.vm}: the VM (pid ${owner.pid ?? 'unknown'}) is starting or ending: ask again`);
  }
}

export function noSuchVm(vm: string): CtlError {
  return new CtlError(`${vm}: no VM of this name is running; tsbhyvectl list shows those that are`);
}

/** Whole lines only. A connection that breaks off ends them, which node:readline would not notice. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string, void> {
  let rest = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

async function wholeText(response: IncomingMessage, vm: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > ANSWER_MAX) throw new CtlError(`${vm}: an answer of more than ${ANSWER_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
