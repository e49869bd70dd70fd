// SPDX-License-Identifier: BSD-2-Clause
/** FreeBSD's vmm where there is one, elsewhere the imitation that is built with the addon (test/native/vmmapi). */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonPath, isAddonBuilt, loadAddon, type VmmProbe } from '../../src/hypervisor/addon.js';
import { vmmLibrary } from '../../src/hypervisor/vmm-library.js';

export type VmmHere = { readonly probe: VmmProbe } | { readonly skipped: string };

/** `generic`: a kernel that was built without BHYVE_SNAPSHOT. */
export type VmmKernel = 'saving' | 'generic';

export function imitation(kernel: VmmKernel = 'saving'): string {
  return join(dirname(addonPath()), kernel === 'saving' ? 'libvmmapi.so' : 'libvmmapi_generic.so');
}

/** Has the engines of this process use that kernel from now on. */
export function vmmHere(kernel: VmmKernel = 'saving'): VmmHere {
  if (!isAddonBuilt()) return { skipped: 'skipped: the native addon is not built' };
  if (process.platform !== 'freebsd') {
    if (!existsSync(imitation(kernel))) return { skipped: `skipped: ${imitation(kernel)} is not built` };
    process.env.TSBHYVE_VMMAPI = imitation(kernel);
  }
  const probe = loadAddon().vmmProbe(vmmLibrary());
  return probe.reason === '' ? { probe } : { skipped: `skipped: ${probe.reason}` };
}
