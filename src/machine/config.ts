// SPDX-License-Identifier: BSD-2-Clause
/**
 * What a machine is made of. Plain data, so that it can be written to a snapshot's manifest and sent to the machine's
 * thread; files and terminals are named here and opened by the host layer.
 */
import { type Topology, topologyRefusal } from '../hypervisor/cpu-models/topology.js';
import { engineRefusal, mostVcpus } from '../hypervisor/engine-choice.js';
import type { ClockMode } from '../hypervisor/hypervisor.js';
import { MAX_VCPUS } from '../hypervisor/processors-state.js';
import { balloonConfig } from './balloon-options.js';
import { ConfigError } from './config-error.js';
import { netConfig } from './net-options.js';
import { folderConfig } from './ninep-options.js';
import { consoleConfig, diskConfig, rngConfig } from './virtio-options.js';
import { vsockConfig } from './vsock-options.js';

export const COM_PORTS = ['com1', 'com2', 'com3', 'com4'] as const;
export type ComPort = (typeof COM_PORTS)[number];
/** A port of a virtio console: the id of its device, a slash, and its name. */
export type VirtioPortId = `pci-${string}`;
/** Everything that a person or a program can be connected to. */
export type ConsoleId = ComPort | VirtioPortId;

export const UNPACKERS = ['host', 'guest'] as const;
export type Unpacker = (typeof UNPACKERS)[number];

/** Whether a guest's real-time clock is moved at a restore by the host time that has passed. VM time never is. */
export const GUEST_CLOCKS = ['freeze', 'advance'] as const;
export type GuestClock = (typeof GUEST_CLOCKS)[number];

export interface KernelBoot {
  /** Paths on the host. */
  readonly kernel: string;
  readonly initrd?: string;
  readonly commandLine: string;
  /** Who unpacks the kernel inside a bzImage (host, unless given). */
  readonly unpack?: Unpacker;
}

/** One `-s` option: a function and what it is. */
export interface PciDeviceConfig {
  /** 0, unless given. */
  readonly bus?: number;
  readonly slot: number;
  readonly fn: number;
  readonly kind: string;
  readonly options: Readonly<Record<string, string>>;
}

/** What to send to a console, once its VM time has come or its text has appeared in the output. */
export type ScriptStep = { readonly send: string } & ({ readonly at: bigint } | { readonly after: string });

export interface MachineConfig {
  readonly name: string;
  readonly uuid: string;
  readonly cpus: number;
  /** How they are placed; null: each in a socket of its own. */
  readonly topology: Topology | null;
  /** Bytes. */
  readonly memory: number;
  readonly engine: string;
  readonly cpuModel: string;
  /** Null: the rate of the CPU model. A kvm without TSC scaling has its host's rate only. */
  readonly tscHz: bigint | null;
  readonly clock: ClockMode;
  readonly boot: KernelBoot | null;
  /** Null: `advance` under the real clock, `freeze` under the virtual. */
  readonly guestClock: GuestClock | null;
  /** Seconds since 1970 that the real-time clock shows at power-on. */
  readonly rtcBase: bigint;
  /** It was set to the host's local time, not to UTC (`-u`); for those who compare. */
  readonly rtcLocalTime: boolean;
  readonly pci: readonly PciDeviceConfig[];
  /** `-l pc-testdev`: fixtures of kvm-unit-tests, with the port that ends the machine. */
  readonly pcTestdev: boolean;
  /** `-w`: MSRs nobody knows read as zero and ignore writes, instead of raising #GP. */
  readonly ignoreUnknownMsrs: boolean;
  /** `-e`: an access to a port that no device has stops the machine, instead of reading all ones. */
  readonly strictPorts: boolean;
  /** `-Y` leaves the MP table out. */
  readonly mpTable: boolean;
  /** What is typed on consoles, by the machine itself. */
  readonly scripts: Readonly<Partial<Record<ComPort, readonly ScriptStep[]>>>;
}

const MIB = 1024 * 1024;

export const DEFAULT_CONFIG: MachineConfig = {
  name: 'vm',
  uuid: '00000000-0000-0000-0000-000000000000',
  cpus: 1,
  topology: null,
  memory: 256 * MIB,
  engine: 'soft',
  cpuModel: 'tsb-1',
  tscHz: null,
  clock: { kind: 'real' },
  boot: null,
  guestClock: null,
  // 2013-11-30, so that a machine without a given time is the same every time.
  rtcBase: 1_385_769_600n,
  rtcLocalTime: false,
  pci: [
    { slot: 0, fn: 0, kind: 'hostbridge', options: {} },
    { slot: 31, fn: 0, kind: 'lpc', options: {} },
  ],
  pcTestdev: false,
  ignoreUnknownMsrs: false,
  strictPorts: false,
  mpTable: true,
  scripts: {},
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const MAX_RATE = 0xffff_ffff;
const MIN_TSC_HZ = 10_000_000n;
const MAX_TSC_HZ = 100_000_000_000n;

/** Fills in defaults and refuses what no machine can be. Memory sizes are checked with the memory layout. */
export function machineConfig(given: Partial<MachineConfig>): MachineConfig {
  const config = { ...DEFAULT_CONFIG, ...given };
  if (!NAME.test(config.name)) {
    throw new ConfigError('name', `"${config.name}": 1 to 64 letters, digits, and _ . - after the first are accepted`);
  }
  if (!UUID.test(config.uuid)) throw new ConfigError('uuid', `"${config.uuid}": expected 8-4-4-4-12 hex digits`);
  checkClock(config.clock);
  checkCpus(config);
  const refusal = engineRefusal(config.engine, config.clock);
  if (refusal !== null) throw new ConfigError('engine', refusal);
  checkTscHz(config.tscHz);
  checkPci(config.pci, config.memory);
  return config;
}

export function guestClockOf({ guestClock, clock }: Pick<MachineConfig, 'guestClock' | 'clock'>): GuestClock {
  return guestClock ?? (clock.kind === 'real' ? 'advance' : 'freeze');
}

export function topologyOf({ cpus, topology }: Pick<MachineConfig, 'cpus' | 'topology'>): Topology {
  return topology ?? { sockets: cpus, cores: 1, threads: 1 };
}

function checkCpus(config: MachineConfig): void {
  const { cpus } = config;
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > MAX_VCPUS) {
    throw new ConfigError('cpus', `${cpus}: expected 1 to ${MAX_VCPUS}`);
  }
  const topology = topologyOf(config);
  const { sockets, cores, threads } = topology;
  if (sockets * cores * threads !== cpus) {
    throw new ConfigError('topology', `${sockets} sockets x ${cores} cores x ${threads} threads are not ${cpus} vCPUs`);
  }
  const refusal = topologyRefusal(topology);
  if (refusal !== null) throw new ConfigError('topology', refusal);
  const most = mostVcpus(config.engine);
  if (cpus > most) {
    throw new ConfigError('cpus', `${cpus}: engine ${config.engine} runs ${most}`);
  }
}

function checkClock(clock: ClockMode): void {
  if (clock.kind === 'real') return;
  for (const part of ['numerator', 'denominator'] as const) {
    const value = clock[part];
    if (!Number.isInteger(value) || value < 1 || value > MAX_RATE) {
      throw new ConfigError(`clock.${part}`, `${value}: expected an integer from 1 to ${MAX_RATE}`);
    }
  }
}

function checkTscHz(tscHz: bigint | null): void {
  if (tscHz === null || (tscHz >= MIN_TSC_HZ && tscHz <= MAX_TSC_HZ)) return;
  throw new ConfigError('tscHz', `${tscHz}: expected ${MIN_TSC_HZ} to ${MAX_TSC_HZ}, or null for the CPU model's`);
}

function checkPci(devices: readonly PciDeviceConfig[], memory: number): void {
  const taken = new Map<string, string>();
  for (const [index, { bus = 0, slot, fn, kind, options }] of devices.entries()) {
    const path = `pci[${index}]`;
    if (!Number.isInteger(bus) || bus < 0 || bus > 255)
      throw new ConfigError(`${path}.bus`, `${bus}: expected 0 to 255`);
    if (!Number.isInteger(slot) || slot < 0 || slot > 31)
      throw new ConfigError(`${path}.slot`, `${slot}: expected 0 to 31`);
    if (!Number.isInteger(fn) || fn < 0 || fn > 7) throw new ConfigError(`${path}.fn`, `${fn}: expected 0 to 7`);
    const place = `${bus}:${slot}:${fn}`;
    const other = taken.get(place);
    if (other !== undefined) throw new ConfigError(path, `${kind} in ${place}, but ${other} is there`);
    if (kind === 'lpc' && bus !== 0) throw new ConfigError(path, `lpc in ${place}: expected on bus 0`);
    taken.set(place, kind);
    if (kind === 'virtio-blk') diskConfig(path, options);
    if (kind === 'virtio-net') netConfig(path, options);
    if (kind === 'virtio-console') consoleConfig(path, options);
    if (kind === 'virtio-9p') folderConfig(path, options);
    if (kind === 'virtio-rnd') rngConfig(path, options);
    if (kind === 'virtio-vsock') vsockConfig(path, options);
    if (kind === 'virtio-balloon') balloonConfig(path, options, memory);
  }
  const balloons = devices.filter(({ kind }) => kind === 'virtio-balloon').length;
  if (balloons > 1) throw new ConfigError('pci', `${balloons} virtio-balloon: a machine has one at most`);
}

/** The snapshot-tree key of a function. */
export function pciDeviceId({ bus = 0, slot, fn }: PciDeviceConfig): VirtioPortId {
  return `pci-${bus}:${slot}:${fn}`;
}
