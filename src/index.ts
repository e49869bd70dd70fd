// SPDX-License-Identifier: BSD-2-Clause
/** The library: machines on the calling thread or on threads of their own, and their state. docs/library.md shows how. */
export type { BlockBackend, BlockRequest, BlockResult } from '../devices/virtio/block-backend.js';
export type { EntropySource } from '../devices/virtio/entropy-source.js';
export type { Frame, NetBackend, NetOffloads, NetPort, PacketHeader } from '../devices/virtio/net-backend.js';
export type { Logger, LogLevel } from './core/log.js';
export { nullLogger, SinkLogger } from './core/log.js';
export { StateError } from './core/state-error.js';
export type {
  DiskFollowing,
  DiskPin,
  FileIdentity,
  FrozenFile,
  FrozenPoint,
  Stray,
} from './host/disk/layers/api.js';
export { commitDisk } from './host/disk/layers/commit-disk.js';
export { exportDisk } from './host/disk/layers/export-disk.js';
export { type DiskInfo, inspectDisk } from './host/disk/layers/inspect.js';
export { acceptChanges, moveBase } from './host/disk/layers/rebase-disk.js';
export { dropFrom, recallStray } from './host/disk/layers/strays.js';
export { NEVER } from './hypervisor/exit.js';
export type { ClockMode } from './hypervisor/hypervisor.js';
export { type BuildOptions, buildMachine } from './machine/build.js';
export {
  COM_PORTS,
  type ComPort,
  type ConsoleId,
  DEFAULT_CONFIG,
  type GuestClock,
  type KernelBoot,
  type MachineConfig,
  machineConfig,
  type PciDeviceConfig,
  type ScriptStep,
} from './machine/config.js';
export { ConfigError } from './machine/config-error.js';
export { ExitHash } from './machine/exit-hash.js';
export type { SliceEnd } from './machine/exit-loop.js';
export type { Machine, MachineState } from './machine/machine.js';
export { MachineHost, type MachineHostOptions, type OutputReceiver } from './machine/machine-host.js';
export { copyMemory, loadTree, type MachineTree, restoreMemory, saveTree } from './machine/machine-state.js';
export { runUntil, runUntilStopped } from './machine/run.js';
export type { ConsoleOutputs } from './machine/serial-consoles.js';
export type { StopReason } from './machine/stop.js';
export type { CommandArguments, CommandName, CommandResult, MachineStatus } from './machine/thread-messages.js';
export type { SavedSnapshot, SaveKind, SaveRequest } from './machine/thread-save.js';
export type { DeviceHost } from './machine/virtio-devices.js';
export type { DiskConfig } from './machine/virtio-options.js';
export type { Overrides } from './snapshot/overrides.js';
export type { Identity } from './snapshot/restoration.js';
export type { ResumeRequest } from './snapshot/resumed-machine.js';
