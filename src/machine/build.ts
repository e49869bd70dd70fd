// SPDX-License-Identifier: BSD-2-Clause
import { readFileSync } from 'node:fs';
import { VmClock } from '../core/clock.js';
import type { IrqLine } from '../core/irq-line.js';
import { type Logger, nullLogger } from '../core/log.js';
import { onlyMessages } from '../core/msi.js';
import type { DiskQueue } from '../host/disk/disk-queue.js';
import { HostFolder } from '../host/folder/host-folder.js';
import { hostEntropy } from '../host/host-entropy.js';
import { maskedText } from '../hypervisor/cpu-models/masked.js';
import { nativeHostfs } from '../hypervisor/hostfs.js';
import type { Engine, OpenEngine } from '../hypervisor/hypervisor.js';
import { openNativeEngine } from '../hypervisor/native.js';
import type { TranslatorOptions } from '../hypervisor/translator.js';
import { bootMedia, type ReadFile } from './boot-media.js';
import { MachineTime } from './clock.js';
import { type MachineConfig, machineConfig } from './config.js';
import { ConfigError } from './config-error.js';
import { doorbellsOf } from './engine-doorbells.js';
import { engineOptions } from './engine-options.js';
import { ExitHash } from './exit-hash.js';
import { ExitLoop } from './exit-loop.js';
import { HostEvents } from './host-events.js';
import { HostPace } from './host-pace.js';
import { Machine } from './machine.js';
import { type DiskOpening, MachineDisks } from './machine-disks.js';
import { engineMemory, layoutFor } from './memory-layout.js';
import { MsrPolicy } from './msr-policy.js';
import { NativeLinks } from './native-links.js';
import { openHostDisk } from './open-host-disk.js';
import { pcBoard } from './pc-board.js';
import type { ConsoleOutputs } from './serial-consoles.js';
import { StopLatch } from './stop.js';
import type { DeviceHost } from './virtio-devices.js';
import type { DiskConfig } from './virtio-options.js';

/** What the host gives a machine; everything has a default. */
export interface BuildOptions {
  readonly openEngine?: OpenEngine;
  /** soft; `TRANSLATOR_DEFAULT` where something is not given. */
  readonly translator?: Partial<TranslatorOptions>;
  readonly readFile?: ReadFile;
  readonly outputs?: ConsoleOutputs;
  readonly log?: Logger;
  /** Keeps a running hash over all exits. */
  readonly hashExits?: boolean | ExitHash;
  /** Virtual clock: somebody watches, so idle time passes no faster than the host's. */
  readonly live?: boolean;
  /** By vCPU: the host's CPU that it stays on, or -1. */
  readonly hostCpus?: readonly number[];
  /** A saved state comes next: what the machine boots from is not read. */
  readonly restored?: boolean;
  /** From where the disk of a device goes on. */
  readonly diskOpening?: (id: string, config: DiskConfig) => DiskOpening;
  /** Disks, folders and random bytes; the host's unless given. */
  readonly devices?: Partial<DeviceHost>;
  /** Taps and user-mode networking; what they have for the machine it takes by itself, unless given. */
  readonly links?: NativeLinks;
}

const DEVICE_HOST: Omit<DeviceHost, 'openDisk' | 'openNative'> = {
  openFolder: (path) => new HostFolder(path, nativeHostfs()),
  entropy: hostEntropy,
  repeatsInputs: false,
  openStream: (id) => {
    throw new ConfigError(`${id} stream`, 'a link from outside needs a machine on a thread of its own');
  },
  openVsock: (id) => {
    throw new ConfigError(`${id} path`, 'a socket of the host needs a machine on a thread of its own');
  },
};

const OWN_LINKS = { isRecorded: false, isReplay: false, waitsForAccept: false };

/** Builds a machine and leaves it cold: `powerOn()` boots it, restoring a state replaces that. */
export function buildMachine(given: Partial<MachineConfig>, host: BuildOptions = {}): Machine {
  const config = machineConfig(given);
  const { log = nullLogger, outputs = {}, readFile = (path: string) => readFileSync(path) } = host;
  const openEngine = host.openEngine ?? ((options) => openNativeEngine(config.engine, options));
  const ram = layoutFor(config.memory);
  const media = bootMedia(config, ram, readFile, host.restored);
  const { hostCpus, translator = {} } = host;
  const processors = { ...engineOptions(config, engineMemory(ram)), translator };
  const engine = openEngine(hostCpus === undefined ? processors : { ...processors, hostCpus });
  tellMasked(engine, config.cpuModel, log);
  const events = new HostEvents(engine.events);
  const isVirtual = config.clock.kind === 'virtual';
  const links = host.links ?? new NativeLinks({ ...OWN_LINKS, log });
  links.connect(engine.openLink, events);
  const clock = new VmClock(() => engine.getTime());
  const stop = new StopLatch();
  const msi = onlyMessages({ send: (address, data) => engine.sendMsi(address, data) });
  const intr: IrqLine = {
    set: (level) => engine.setExternalInterrupt(level),
    adopt: (level) => engine.setExternalInterrupt(level),
  };
  const diskHost = { queue: diskQueue(engine, events, isVirtual), log: log.scoped('disk') };
  const openDisk: DeviceHost['openDisk'] = (disk, id) => openHostDisk(disk, host.diskOpening?.(id, disk), diskHost);
  const disks = new MachineDisks(host.devices?.openDisk ?? openDisk);
  const doorbells = doorbellsOf(engine.doorbells, events);
  const board = pcBoard({
    config,
    ram,
    memory: engine.memory,
    clock,
    msi,
    host: {
      ...DEVICE_HOST,
      openNative: (...given) => links.open(...given),
      ...host.devices,
      openDisk: disks.open,
    },
    intr,
    kernelChipset: engine.chipset,
    doorbells,
    outputs,
    stop,
    log,
  });
  const hash = host.hashExits === true ? new ExitHash() : host.hashExits || null;
  const time = new MachineTime(engine, clock, isVirtual, isVirtual && host.live === true ? new HostPace() : null);
  const { ports, mmio, pic, ioapic } = board;
  const msrs = new MsrPolicy(config.ignoreUnknownMsrs, log);
  const loop = new ExitLoop({ engine, time, ports, mmio, pic, ioapic, msrs, stop, hash });
  return new Machine({ config, engine, time, board, disks: disks.all, loop, events, doorbells, stop, hash, media });
}

function tellMasked({ capabilities: { engine, maskedCpuid } }: Engine, model: string, log: Logger): void {
  const masked = maskedText(maskedCpuid);
  if (masked !== '') log.warn(`engine ${engine}: this host lacks what CPU model ${model} has: CPUID ${masked}`);
}

/** Null under the virtual clock: there everything is done at once, so that no run differs from another. */
function diskQueue({ disks }: Engine, events: HostEvents, isVirtual: boolean): DiskQueue | null {
  return isVirtual || disks === null ? null : { threads: disks, events };
}
