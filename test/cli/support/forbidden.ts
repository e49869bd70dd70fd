// SPDX-License-Identifier: BSD-2-Clause
/** A script that Node loads before the command, and that tries within the VM's own process what its sandbox forbids. */
import { resolve } from 'node:path';

/** What each attempt ends with. Files are Landlock's business. */
export const REFUSALS = {
  'to read a file outside': 'EACCES',
  'to write a file outside': 'EACCES',
  'to make a file outside': 'EACCES',
  'to remove a file outside': 'EACCES',
  'to read a folder outside': 'EACCES',
  'to run a program': 'EPERM',
  'to open a network socket': 'EPERM',
  'to open a packet socket': 'EPERM',
  'to trace a process': 'EPERM',
  'to read memory of another process': 'EPERM',
  'to load a module': 'EPERM',
  'to load a module from a file': 'EPERM',
  'to mount': 'EPERM',
  'to make a namespace': 'EPERM',
  'to load a BPF program': 'EPERM',
  'to make an io_uring': 'EPERM',
  'to be somebody else': 'EPERM',
  'to signal somebody else': 'EPERM',
} as const;

/**
 * `outside` has a file `secret`; attempts begin once `go` is there, and what came of them is in `results` then: a file for
 * each thread that runs JavaScript.
 */
export function forbiddenScript(outside: string, go: string, results: string): string {
  const text = JSON.stringify;
  return `
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { isMainThread } = require('node:worker_threads');
const koffi = require(${text(resolve('node_modules/koffi'))});
const syscall = koffi.load(null).func('long syscall(long, long, long, long, long, long)');
const outside = ${text(outside)};
const call = (number, ...given) => () => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = given;
  if (syscall(number, a, b, c, d, e) >= 0) return 'done';
  const errno = koffi.errno();
  return Object.entries(require('node:os').constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
};
const file = (work) => () => {
  work();
  return 'done';
};
const AF_INET = 2, AF_PACKET = 17, STREAM = 1, RAW = 3, SEIZE = 0x4206, CLONE_NEWUSER = 0x10000000, SIGWINCH = 28;
const tries = {
  'to read a file outside': file(() => fs.readFileSync(outside + '/secret')),
  'to write a file outside': file(() => fs.appendFileSync(outside + '/secret', 'more')),
  'to make a file outside': file(() => fs.writeFileSync(outside + '/new', '')),
  'to remove a file outside': file(() => fs.unlinkSync(outside + '/secret')),
  'to read a folder outside': file(() => fs.readdirSync(outside)),
  'to run a program': () => spawnSync('/bin/true').error?.code ?? 'done',
  'to open a network socket': call(41, AF_INET, STREAM),
  'to open a packet socket': call(41, AF_PACKET, RAW),
  'to trace a process': call(101, SEIZE, process.ppid),
  'to read memory of another process': call(310, process.ppid),
  'to load a module': call(175),
  'to load a module from a file': call(313, -1),
  'to mount': call(165),
  'to make a namespace': call(272, CLONE_NEWUSER),
  'to load a BPF program': call(321, -1),
  'to make an io_uring': call(425),
  'to be somebody else': call(117, 1, 1, 1),
  'to signal somebody else': call(62, 1, SIGWINCH),
};
const timer = setInterval(() => {
  if (!fs.existsSync(${text(go)})) return;
  clearInterval(timer);
  const found = Object.entries(tries).map(([name, attempt]) => {
    try {
      return [name, attempt()];
    } catch (error) {
      return [name, error.code ?? String(error)];
    }
  });
  const path = ${text(results)} + (isMainThread ? '/main' : '/machine');
  fs.writeFileSync(path + '.new', JSON.stringify(Object.fromEntries(found)));
  fs.renameSync(path + '.new', path);
}, 20);
timer.unref();
`;
}
