// SPDX-License-Identifier: BSD-2-Clause
/** Adds new kinds and versions of saved state to docs/state/lock.json; refuses to change what is locked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { compareWithLock, extendLock, type StateLock } from '../src/core/state-lock.js';
import { shapes } from '../src/machine/state-registry.js';

const LOCK_FILE = 'docs/state/lock.json';

const descriptions = shapes.map((shape) => shape.describe());
const old: StateLock = JSON.parse(readFileSync(LOCK_FILE, 'utf8'));
const extended = extendLock(descriptions, old);
const problems = compareWithLock(descriptions, extended);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else writeFileSync(LOCK_FILE, `${JSON.stringify(extended, null, 2)}\n`);
