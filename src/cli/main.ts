#!/usr/bin/env -S node --inspect-port=192.0.2.1:9229
// SPDX-License-Identifier: BSD-2-Clause
/**
 * The tsbhyve command, as native/launcher starts it. Signals may come long before there is a VM to answer them, so they are
 * remembered here and answered in run-vm.ts. The launcher holds them until then; a process that was started without it
 * meets a SIGUSR1 in its first moments with Node's inspector (Node 20 has no switch against that), which cannot be opened
 * at the address above (RFC 5737).
 */
import { neverBlock } from '../host/console/never-block.js';
import { startSpareWorker } from '../machine/machine-workers.js';
import { rememberSignals, type VmSignal } from './early-signals.js';
import { takeSignals } from './launched.js';
import { runsVm } from './runs-vm.js';

const early: VmSignal[] = [];
rememberSignals(early);
// The launcher is `tsbhyve`: a signal for every process of that name must not come twice.
process.title = takeSignals() ? 'tsbhyve-vm' : 'tsbhyve';

const words = process.argv.slice(2);
if (runsVm(words)) startSpareWorker();
// A reader that goes away must not take the VM with it: what nobody reads is lost, and nothing else.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => {});
  neverBlock(stream);
}

const { main } = await import('./run.js');
const status = await main(words, early);
// Standard input may still be open, and would keep the process; what was written must get out before it ends.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
process.exit(status);
