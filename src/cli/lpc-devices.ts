// SPDX-License-Identifier: BSD-2-Clause
/** `-l device[,backend]` and the variables it stands for, `lpc.*`. */
import { COM_PORTS, type ComPort, type ConsoleId } from '../machine/config.js';
import type { ConfigTree } from './config-tree.js';
import { UsageError } from './usage-error.js';

const DEVICES = [...COM_PORTS, 'pc-testdev'];
const DETACHED = 'detached';
export const NONE = 'none';
const NOT_YET = ['bootrom', 'tpm'];

export function lpcHelp(): string {
  return `-l device[,backend]

  com1 .. com4  16550 serial port, with one of these back ends:
      stdio           the terminal, or a pipe, that tsbhyve runs on
      detached        tsbhyvectl --vm=NAME console attaches to it; the default of com1
      none            nothing
      pty             a new pseudo-terminal, whose name is printed
      tcp=ADDR:PORT   listens there for one client
      unix=PATH       listens on a socket with that name
      /dev/...        a serial port or terminal of the host
  pc-testdev    ports of QEMU's test devices, for small test kernels
`;
}

export function setLpcDevice(tree: ConfigTree, text: string): void {
  const comma = text.indexOf(',');
  const device = comma < 0 ? text : text.slice(0, comma);
  const rest = comma < 0 ? '' : text.slice(comma + 1);
  const where = `-l ${text}`;
  if (NOT_YET.includes(device)) throw new UsageError(where, `the device '${device}' is not there yet`);
  if (!DEVICES.includes(device)) {
    throw new UsageError(where, `unknown device '${device}'; accepted are ${DEVICES.join(', ')}`);
  }
  if (device === 'pc-testdev') {
    if (rest !== '') throw new UsageError(where, `pc-testdev takes no options, got '${rest}'`);
    tree.set('lpc.pc-testdev', 'true');
    return;
  }
  if (rest === '')
    throw new UsageError(where, `${device} needs a back end, for example ${device},stdio; -l help lists them`);
  tree.set(`lpc.${device}.path`, rest);
}

/**
 * The back end of each serial port that has one. `canDetach`: a person can reach com1 although nobody has asked for it.
 * `taken` are those of other consoles.
 */
export function comPaths(
  tree: ConfigTree,
  canDetach: boolean,
  taken: ReadonlyMap<ConsoleId, string>,
): Map<ComPort, string> {
  const paths = givenPaths(tree, taken);
  const all = [...paths.values(), ...taken.values()];
  if (canDetach && !paths.has('com1') && !all.includes(DETACHED)) paths.set('com1', DETACHED);
  return new Map([...paths].filter(([, path]) => path !== NONE));
}

function givenPaths(tree: ConfigTree, taken: ReadonlyMap<ConsoleId, string>): Map<ComPort, string> {
  const paths = new Map<ComPort, string>();
  for (const port of COM_PORTS) {
    const path = tree.get(`lpc.${port}.path`);
    if (path === undefined) continue;
    refuseTwin(`lpc.${port}.path`, path, [...taken, ...paths]);
    paths.set(port, path);
  }
  return paths;
}

/** A back end that can have one user is not given twice. */
export function refuseTwin(where: string, path: string, others: readonly (readonly [ConsoleId, string])[]): void {
  const twin = others.find(([, other]) => other === path && path !== 'pty' && path !== NONE);
  if (twin !== undefined) throw new UsageError(where, `'${path}' is already the back end of ${twin[0]}`);
}
