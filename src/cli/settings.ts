// SPDX-License-Identifier: BSD-2-Clause
/** The configuration tree as typed values: the machine, and what the command itself does around it. */
import { createHash } from 'node:crypto';
import { chooseEngine, type KvmProbe } from '../hypervisor/engine-choice.js';
import type { TranslatorOptions } from '../hypervisor/translator.js';
import {
  type ConsoleId,
  DEFAULT_CONFIG,
  GUEST_CLOCKS,
  guestClockOf,
  type KernelBoot,
  type MachineConfig,
  machineConfig,
  UNPACKERS,
  type Unpacker,
} from '../machine/config.js';
import type { InputFile } from '../machine/thread-messages.js';
import type { ResumeRequest } from '../snapshot/resumed-machine.js';
import { CLOCK_DEFAULT, parseClock } from './clock-word.js';
import type { ConfigTree } from './config-tree.js';
import { requireReadableFile } from './files.js';
import { LOG_LEVELS, type Verbosity } from './log-writer.js';
import { comPaths } from './lpc-devices.js';
import { pciDevices } from './pci-devices.js';
import { pinsOf } from './pinning.js';
import { SWITCH, wantsSandbox } from './sandbox-word.js';
import { parseSigterm, SIGTERM_DEFAULT, type SigtermPolicy } from './sigterm-policy.js';
import { memorySize } from './sizes.js';
import { storeFolder } from './store-folder.js';
import { processorsOf } from './topology.js';
import { translatorOf } from './translator-options.js';
import { UsageError } from './usage-error.js';
import { virtioPaths } from './virtio-paths.js';

export interface Settings {
  readonly machine: MachineConfig;
  /** Something to say about the engine before the machine starts. */
  readonly engineNotice?: string;
  /** Back end of each serial port, and of each port of a virtio console, that has one. */
  readonly consoles: ReadonlyMap<ConsoleId, string>;
  readonly verbosity: Verbosity;
  readonly sigterm: SigtermPolicy;
  /** Folder for the snapshots that are taken of it. */
  readonly store: string;
  /** By vCPU: the host CPU that it stays on, or -1. */
  readonly hostCpus?: readonly number[];
  /** Give up what the VM does not need once it stands. */
  readonly sandbox: boolean;
  readonly translator: Partial<TranslatorOptions>;
  /** What comes from outside is recorded, or comes from a recording. */
  readonly inputs?: InputFile;
  /** It goes on from a snapshot instead of booting. */
  readonly resume?: ResumeRequest;
}

/** `now` is the host's time in milliseconds since 1970, `zoneMinutes` how far local time is ahead of UTC. */
export function settingsOf(tree: ConfigTree, now: number, zoneMinutes: number, probeKvm?: () => KvmProbe): Settings {
  refuseWithoutSnapshot(tree);
  const name = tree.get('name') ?? DEFAULT_CONFIG.name;
  const clock = parseClock('clock', tree.get('clock') ?? CLOCK_DEFAULT);
  const pci = pciDevices(tree);
  const { engine, tscHz, notice } = chooseEngine(tree.get('engine') ?? DEFAULT_CONFIG.engine, clock, probeKvm);
  const machine = machineConfig({
    name,
    uuid: tree.get('uuid') ?? uuidOf(name),
    ...processorsOf(tree),
    memory: memorySize('memory.size', tree.get('memory.size') ?? '256M'),
    engine,
    tscHz,
    cpuModel: tree.get('cpu.model') ?? DEFAULT_CONFIG.cpuModel,
    clock,
    boot: kernelBoot(tree),
    guestClock: tree.oneOf('guest.clock', GUEST_CLOCKS, guestClockOf({ guestClock: null, clock })),
    rtcBase: rtcBase(tree, clock.kind === 'real' ? now : undefined, zoneMinutes),
    rtcLocalTime: tree.bool('rtc.use_localtime', true),
    ...(pci.length > 0 && { pci }),
    pcTestdev: tree.bool('lpc.pc-testdev', false),
    ignoreUnknownMsrs: !tree.bool('x86.strictmsr', true),
    strictPorts: tree.bool('x86.strictio', false),
    mpTable: tree.bool('x86.mptable', true),
  });
  return { ...surroundings(tree, machine), ...(notice !== null && { engineNotice: notice }) };
}

function refuseWithoutSnapshot(tree: ConfigTree): void {
  for (const option of ['clone', 'identity', 'mac', 'verify']) {
    const variable = `snapshot.${option}`;
    if (tree.get(variable) !== undefined) throw new UsageError(variable, 'says how to go on from a snapshot: add -r');
  }
}

/** Everything that is not the machine itself. */
export function surroundings(tree: ConfigTree, machine: MachineConfig): Settings {
  const hasPorts = machine.pci.some(({ kind }) => kind === 'lpc');
  const virtio = virtioPaths(machine.pci);
  const serial = comPaths(tree, hasPorts, virtio);
  if (serial.size > 0 && !hasPorts) {
    throw new UsageError('lpc', 'serial ports need an LPC bridge; add -s 31,lpc');
  }
  const inputs = inputFile(tree, machine);
  const hostCpus = pinsOf(tree, machine);
  return {
    machine,
    ...(hostCpus !== null && { hostCpus }),
    ...(inputs !== null && { inputs }),
    consoles: new Map([...serial, ...virtio]),
    verbosity: tree.oneOf('log.level', LOG_LEVELS, 'warn'),
    sigterm: parseSigterm('on_sigterm', tree.get('on_sigterm') ?? SIGTERM_DEFAULT),
    store: storeFolder(tree),
    translator: translatorOf(tree, machine),
    sandbox: wantsSandbox(tree.get('sandbox') === undefined ? undefined : tree.oneOf('sandbox', SWITCH, 'on')),
  };
}

function inputFile(tree: ConfigTree, { clock }: MachineConfig): InputFile | null {
  const [record, replay] = [tree.get('inputs.record'), tree.get('inputs.replay')];
  if (record === undefined && replay === undefined) return null;
  if (record !== undefined && replay !== undefined) {
    throw new UsageError('--record', `'${record}' together with --replay '${replay}'; one of them is accepted`);
  }
  const option = record !== undefined ? '--record' : '--replay';
  if (clock.kind !== 'virtual') throw new UsageError(option, 'the real clock cannot be repeated; add --clock virtual');
  if (replay !== undefined) return { replay };
  return record === undefined ? null : { record };
}

function isUnpacker(word: string): word is Unpacker {
  return (UNPACKERS as readonly string[]).includes(word);
}

function kernelBoot(tree: ConfigTree): KernelBoot {
  const kernel = tree.get('boot.kernel');
  if (kernel === undefined) throw new UsageError('--kernel', 'missing; give the kernel file to boot');
  requireReadableFile('--kernel', kernel);
  const initrd = tree.get('boot.initrd');
  if (initrd !== undefined) requireReadableFile('--initrd', initrd);
  const unpack = tree.get('boot.unpack');
  if (unpack !== undefined && !isUnpacker(unpack)) {
    throw new UsageError('--unpack', `'${unpack}'; accepted are ${UNPACKERS.join(', ')}`);
  }
  const commandLine = tree.get('boot.append') ?? '';
  return { kernel, commandLine, ...(initrd !== undefined && { initrd }), ...(unpack !== undefined && { unpack }) };
}

/** Seconds the clock shows at power-on. Without the host's time (virtual clock) it is the same at every boot. */
function rtcBase(tree: ConfigTree, now: number | undefined, zoneMinutes: number): bigint {
  const fixed = tree.get('rtc.base');
  if (fixed !== undefined) return BigInt(tree.number('rtc.base', 0, 0, 253_402_300_799));
  if (now === undefined) return DEFAULT_CONFIG.rtcBase;
  const zoneSeconds = tree.bool('rtc.use_localtime', true) ? zoneMinutes * 60 : 0;
  return BigInt(Math.floor(now / 1000) + zoneSeconds);
}

/** A UUID of version 8 (RFC 9562, 5.8) from the VM's name, so that the same VM has the same one at every start. */
export function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(`tsbhyve:${name}`).digest().subarray(0, 16);
  bytes.writeUInt8(((bytes.readUInt8(6) & 0x0f) | 0x80) >>> 0, 6);
  bytes.writeUInt8(((bytes.readUInt8(8) & 0x3f) | 0x80) >>> 0, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
