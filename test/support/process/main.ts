// SPDX-License-Identifier: BSD-2-Clause
/** The program of the other process: orders on standard input, answers on standard output. */
import { readFileSync, writeSync } from 'node:fs';
import { decodeOrders, encodeAnswers, type LifeAnswer, type LifeOrder } from './life.js';
import { live } from './live.js';

const STDIN = 0;
const STDOUT = 1;

function answer(order: LifeOrder): LifeAnswer {
  try {
    return live(order);
  } catch (error) {
    return { failure: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

const bytes = encodeAnswers(decodeOrders(readFileSync(STDIN)).map(answer));
for (let at = 0; at < bytes.length; at += writeSync(STDOUT, bytes, at));
