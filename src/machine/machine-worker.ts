// SPDX-License-Identifier: BSD-2-Clause
/** Entry of a machine's thread. */
import { workerData } from 'node:worker_threads';
import { MachineThread } from './machine-thread.js';
import type { ThreadData } from './thread-messages.js';

MachineThread.start(workerData as ThreadData); // made by MachineHost
