// SPDX-License-Identifier: BSD-2-Clause
/** Entry of a machine's thread. */
import { parentPort } from 'node:worker_threads';
import { preloadAddon } from '../hypervisor/native.js';
import { MachineThread } from './machine-thread.js';
import type { ThreadData } from './thread-messages.js';

parentPort?.once('message', (data: ThreadData) => MachineThread.start(data)); // sent by MachineHost
preloadAddon();
