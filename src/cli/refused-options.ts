// SPDX-License-Identifier: BSD-2-Clause
/** bhyve's letters for what tsbhyve does not have yet: each is refused by name instead of being called unknown. */
export interface RefusedOption {
  readonly flags: string;
  readonly what: string;
}

export const REFUSED_OPTIONS: readonly RefusedOption[] = [
  { flags: '-C', what: 'guest memory in core dumps' },
  { flags: '-f <file>', what: 'fw_cfg files from the command line' },
  { flags: '-G <port>', what: 'the GDB server' },
  { flags: '-K <layout>', what: 'VNC keyboard layouts' },
  { flags: '-n <domain>', what: 'NUMA domains' },
  { flags: '-S', what: 'wired guest memory' },
];
