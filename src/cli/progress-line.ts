// SPDX-License-Identifier: BSD-2-Clause
/** How far long work is, for a person who watches. */
import { sizeText } from './sizes.js';

/** Before that a rate says nothing. */
const FIRST_RATE_MS = 200;

export class ProgressLine {
  private start = 0;
  private total = -1;
  private done = 0;

  /** `show` replaces the line it showed before; `now` gives milliseconds that never go back. */
  constructor(
    private readonly show: (line: string) => void,
    private readonly now: () => number,
  ) {}

  /** Bytes. Work of several parts begins again with each. */
  update(done: number, total: number): void {
    if (total !== this.total || done < this.done) this.start = this.now();
    this.total = total;
    this.done = done;
    const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
    this.show(`${percent} %, ${sizeText(done)} of ${sizeText(total)}${this.rate()}`);
  }

  private rate(): string {
    const { done, total } = this;
    const elapsed = this.now() - this.start;
    if (elapsed < FIRST_RATE_MS || done === 0) return '';
    const perSecond = (done / elapsed) * 1000;
    return `, ${sizeText(perSecond)}/s, ${Math.ceil((total - done) / perSecond)} s left`;
  }
}
