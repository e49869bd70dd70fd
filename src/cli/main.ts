#!/usr/bin/env -S node --inspect-port=192.0.2.1:9229
// SPDX-License-Identifier: BSD-2-Clause
/**
 * The tsbhyve command. Signals may come from the first instant on, long before there is a VM to answer them, so they
 * are remembered here and answered in run-vm.ts. Until this file runs, Node would answer SIGUSR1 by opening its
 * inspector (Node 20 has no switch against that): the address above can never be bound (RFC 5737), so Node says that
 * it failed and goes on.
 */
import { rememberSignals, type VmSignal } from './early-signals.js';

const early: VmSignal[] = [];
rememberSignals(early);
process.title = 'tsbhyve';

const { main } = await import('./run.js');
const status = await main(process.argv.slice(2), early);
// Standard input may still be open, and would keep the process; what was written must get out before it ends.
await new Promise((resolve) => process.stdout.write('', resolve));
process.exit(status);
