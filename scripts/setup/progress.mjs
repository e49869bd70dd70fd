// SPDX-License-Identifier: BSD-2-Clause
/** Long steps for people: on a terminal with what is going on, in a pipe one line when a step is done. */
const REDRAW_MS = 100;

/** Something the user can put right: shown as one line, without a stack. */
export class SetupError extends Error {
  name = 'SetupError';
}

/**
 * Runs `work(report)` and says how long it took. `report({ done, total, unit })` shows how far it is; unit 'bytes'
 * gets a rate, and a known total the time left.
 */
export async function step(title, work) {
  const started = performance.now();
  const line = new StatusLine(title, process.stderr.isTTY);
  try {
    const result = await work((state) => line.show(state));
    line.finish(`${title}: ${seconds(performance.now() - started)}`);
    return result;
  } catch (error) {
    line.finish(`${title}: failed after ${seconds(performance.now() - started)}`);
    throw error;
  }
}

class StatusLine {
  constructor(title, live) {
    this.title = title;
    this.live = live;
    this.started = performance.now();
    this.state = {};
    if (!live) return;
    this.draw();
    this.timer = setInterval(() => this.draw(), REDRAW_MS);
  }

  show(state) {
    this.state = state;
  }

  finish(text) {
    clearInterval(this.timer);
    process.stderr.write(`${this.live ? '\r\x1b[K' : ''}${text}\n`);
  }

  draw() {
    const elapsed = performance.now() - this.started;
    process.stderr.write(`\r\x1b[K${this.title}: ${describe(this.state, elapsed)}`);
  }
}

/** `12.3 of 26.7 MB, 4.1 MB/s, 4 s left`, or as much of that as is known. */
export function describe({ done, total, unit }, elapsed) {
  const parts = [];
  const show = (count) => (unit === 'bytes' ? (count / 1e6).toFixed(1) : String(count));
  if (done !== undefined) {
    parts.push(`${show(done)}${total === undefined ? '' : ` of ${show(total)}`} ${unit === 'bytes' ? 'MB' : unit}`);
    if (unit === 'bytes' && elapsed > 0) parts.push(`${(done / 1e3 / elapsed).toFixed(1)} MB/s`);
    if (total !== undefined && done > 0) parts.push(`${seconds((elapsed * (total - done)) / done)} left`);
  }
  if (parts.length === 0) parts.push(seconds(elapsed));
  return parts.join(', ');
}

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
