// SPDX-License-Identifier: BSD-2-Clause
/** A save as lines of JSON. Whoever asked may read slowly or go away: the save goes on, and progress lines are left out. */
import { Readable } from 'node:stream';
import type { SavedSnapshot } from '../../machine/thread-save.js';
import type { VmSaveOrder } from '../vm.js';
import { ControlError } from './control-error.js';
import type { ControlSubject } from './subject.js';

/** Rejects if it is refused before there is anything to report; a later failure is the stream's last line. */
export function saveStream({ saver, settings }: ControlSubject, order: VmSaveOrder): Promise<Readable> {
  if (saver.active !== null) return Promise.reject(new ControlError(409, `a ${saver.active} is on its way`));
  return new Promise((resolve, reject) => {
    const lines = new LineStream();
    let begun = false;
    const begin = (): void => {
      begun = true;
      resolve(lines);
    };
    const progress = (done: number, total: number): void => {
      begin();
      if (lines.wantsMore) lines.add({ progress: { done, total } });
    };
    const ended = (saved: SavedSnapshot): void => {
      begin();
      lines.end({
        result: { store: settings.store, ...(order.store !== undefined && { store: order.store }), ...saved },
      });
    };
    const failed = (error: Error): void => {
      if (begun) lines.end({ error: error.message });
      else reject(new ControlError(409, error.message));
    };
    saver.take(order, progress).then(ended, failed);
  });
}

class LineStream extends Readable {
  wantsMore = true;

  override _read(): void {
    this.wantsMore = true;
  }

  add(line: unknown): void {
    if (!this.destroyed) this.wantsMore = this.push(`${JSON.stringify(line)}\n`);
  }

  end(line: unknown): void {
    this.add(line);
    if (!this.destroyed) this.push(null);
  }
}
