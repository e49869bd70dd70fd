// SPDX-License-Identifier: BSD-2-Clause
/** Builds virtio devices as the configuration wants them. */
import { createHash } from 'node:crypto';
import type { PciPlace } from '../../devices/pci/pci-function.js';
import { virtioBalloon } from '../../devices/virtio/balloon.js';
import { BALLOON_PAGE } from '../../devices/virtio/balloon-pages.js';
import { virtioBlock } from '../../devices/virtio/block.js';
import type { BlockBackend } from '../../devices/virtio/block-backend.js';
import { virtioConsole } from '../../devices/virtio/console.js';
import type { EntropySource } from '../../devices/virtio/entropy-source.js';
import { virtioNet } from '../../devices/virtio/net.js';
import type { NetBackend, NetOffloads } from '../../devices/virtio/net-backend.js';
import type { FolderBackend } from '../../devices/virtio/ninep/folder-backend.js';
import { virtioNinep } from '../../devices/virtio/ninep.js';
import { virtioRng } from '../../devices/virtio/rng.js';
import { VirtioPci, type VirtioPciParts } from '../../devices/virtio/transport-pci.js';
import { virtioVsock } from '../../devices/virtio/vsock.js';
import type { VsockBackend } from '../../devices/virtio/vsock-backend.js';
import type { ByteSink } from '../core/input.js';
import { VsockLoopback } from '../host/vsock/loopback.js';
import type { LinkRequest } from '../hypervisor/native-link.js';
import { balloonConfig } from './balloon-options.js';
import type { Cables } from './cables.js';
import type { VirtioPortId } from './config.js';
import { ConfigError } from './config-error.js';
import { type LinkConfig, type NetConfig, netConfig } from './net-options.js';
import { folderConfig } from './ninep-options.js';
import type { ConsoleOutputs } from './serial-consoles.js';
import { CONSOLE_PORT, consoleConfig, type DiskConfig, diskConfig, type Options, rngConfig } from './virtio-options.js';
import { type VsockConfig, vsockConfig } from './vsock-options.js';

const NOBODY: ByteSink = { write: () => {} };

/** What the host gives to devices. */
export interface DeviceHost {
  /** For the device of this id. */
  readonly openDisk: (config: DiskConfig, id: string) => BlockBackend;
  readonly entropy: EntropySource;
  readonly openFolder: (path: string) => FolderBackend;
  /** A network link over a unix socket, for the card of this id. */
  readonly openStream: (id: string, path: string, reconnect: number | null) => NetBackend;
  /** One with a native thread. */
  readonly openNative: (id: string, request: LinkRequest, offloads: NetOffloads) => NetBackend;
  /** The sockets at this path, for the socket device of this id. */
  readonly openVsock: (id: string, path: string) => VsockBackend;
  /** What comes in is recorded, or comes from a recording: the virtual clock then bears a link to the outside. */
  readonly repeatsInputs: boolean;
}

export interface VirtioContext extends VirtioPciParts {
  readonly host: DeviceHost;
  readonly outputs: ConsoleOutputs;
  /** Devices then do the same in every run. */
  readonly isVirtualClock: boolean;
  /** Of the machine; a card's address follows from it. */
  readonly name: string;
  readonly cables: Cables;
}

export interface VirtioPlace {
  readonly id: VirtioPortId;
  readonly place: PciPlace;
  readonly virtio: VirtioContext;
}

export function createRng({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = rngConfig(id, options);
  const source = virtio.isVirtualClock ? null : virtio.host.entropy;
  return new VirtioPci(id, place, virtioRng({ source, seed: digest(`${id} ${config.seed}`) }), virtio, config);
}

export function createBalloon({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = balloonConfig(id, options, virtio.memory.size);
  const { deflateOnOom, reporting, size } = config;
  const kind = virtioBalloon({ target: size / BALLOON_PAGE, deflateOnOom, reporting });
  return new VirtioPci(id, place, kind, virtio, config);
}

export function createConsole({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = consoleConfig(id, options);
  const output = (name: string): ByteSink => virtio.outputs[`${id}/${name}`] ?? NOBODY;
  const kind = virtioConsole({
    console: config.console === null ? null : output(CONSOLE_PORT),
    named: config.named.map(({ name }) => ({ name, output: output(name) })),
  });
  return new VirtioPci(id, place, kind, virtio, config);
}

export function createDisk({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = diskConfig(id, options);
  const { latency, bytesPerSecond, queues } = config;
  const kind = virtioBlock({
    backend: virtio.host.openDisk(config, id),
    serial: config.serial ?? serialOf(config.path),
    queues,
    latency: virtio.isVirtualClock ? { constant: latency, bytesPerSecond } : null,
  });
  return new VirtioPci(id, place, kind, virtio, config);
}

export function createNet({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = netConfig(id, options);
  const { mtu, pairs, mac = defaultMac(place.address, virtio.name) } = config;
  const kind = virtioNet({ backend: netBackend(id, virtio, config), mac, mtu, pairs, place: place.address });
  return new VirtioPci(id, place, kind, virtio, config);
}

export function createNinep({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = folderConfig(id, options);
  const { path, tag, readOnly } = config;
  const backend = virtio.host.openFolder(path);
  const kind = virtioNinep({ backend, tag, readOnly, isRepeatable: virtio.isVirtualClock });
  return new VirtioPci(id, place, kind, virtio, config);
}

function netBackend(id: string, virtio: VirtioContext, { link }: NetConfig): NetBackend {
  const { host, cables } = virtio;
  if (link.kind === 'loopback') return cables.plug(link.name);
  expectRepeatable(id, virtio, ...liveLink(link));
  if (link.kind === 'native') return host.openNative(id, link.request, link.offloads);
  return host.openStream(id, link.path, link.reconnect);
}

/** How a command line has it. */
function liveLink(link: Exclude<LinkConfig, { kind: 'loopback' }>): [word: string, name: string] {
  if (link.kind === 'stream') return ['stream', link.path];
  return ['backend', link.request.kind === 'tap' ? link.request.name : 'slirp'];
}

export function createVsock({ id, place, virtio }: VirtioPlace, options: Options) {
  const config = vsockConfig(id, options);
  const kind = virtioVsock({ backend: vsockBackend(id, virtio, config), cid: config.cid });
  return new VirtioPci(id, place, kind, virtio, config);
}

function vsockBackend(id: string, virtio: VirtioContext, { path }: VsockConfig): VsockBackend {
  if (path === null) return new VsockLoopback();
  expectRepeatable(id, virtio, 'path', path);
  return virtio.host.openVsock(id, path);
}

/** What a live link brings can be repeated only from a recording. */
function expectRepeatable(id: string, { host, isVirtualClock }: VirtioContext, word: string, name: string): void {
  if (!isVirtualClock || host.repeatsInputs) return;
  const problem = `'${name}' is a live link, which the virtual clock cannot repeat; --record makes it repeatable`;
  throw new ConfigError(`${id} ${word}`, problem);
}

/** As on bhyve. */
function defaultMac(address: number, name: string): Uint8Array {
  const [bus, slot, fn] = [address >> 8, (address >> 3) & 0x1f, address & 7];
  // bhyve leaves the bus out, and two cards of one machine are alike.
  const place = bus === 0 ? `${slot}-${fn}` : `${bus}-${slot}-${fn}`;
  const digits = createHash('md5').update(`${place}-${name}`).digest();
  return Uint8Array.of(0x00, 0xa0, 0x98, ...digits.subarray(0, 3));
}

/** In the form of bhyve's. */
function serialOf(path: string): string {
  const digits = Buffer.from(digest(path)).toString('hex').toUpperCase();
  return `BHYVE-${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8, 12)}`;
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(`tsbhyve ${text}`).digest();
}
