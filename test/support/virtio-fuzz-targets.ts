// SPDX-License-Identifier: BSD-2-Clause
/** The devices that the hostile driver works on. */
import { virtioBalloon } from '../../devices/virtio/balloon.js';
import { virtioBlock } from '../../devices/virtio/block.js';
import { virtioConsole } from '../../devices/virtio/console.js';
import type { Interfaces } from '../../devices/virtio/features.js';
import { virtioNet } from '../../devices/virtio/net.js';
import { virtioRng } from '../../devices/virtio/rng.js';
import type { VirtioKind, VirtioModel, VirtioPciFields } from '../../devices/virtio/virtio-kind.js';
import { virtioVsock } from '../../devices/virtio/vsock.js';
import { VsockLoopback } from '../../src/host/vsock/loopback.js';
import { echoKind } from './echo-kind.js';
import { MemoryCable } from './memory-cable.js';
import type { MemoryDisk } from './memory-disk.js';
import { sandbox, shareKind } from './ninep-client.js';
import { MemorySockets } from './vsock-guest.js';

export const FUZZ_TARGETS = [
  'disk',
  'late disk',
  'net',
  'net with pairs',
  'folder',
  'rng',
  'console',
  'balloon',
  'vsock',
  'vsock loopback',
  'echo',
] as const;
export type FuzzTarget = (typeof FUZZ_TARGETS)[number];

const FEATURES = [
  0x1_0000_0000n,
  0x1_3000_0000n,
  0x5_0000_0000n,
  0x105_3000_0200n,
  0x141_3000_0a00n,
  0x1_0000_0003n,
  0x7fn,
];
/** Statistics and reports, in the second with packed rings and poison. */
const BALLOON_FEATURES = [0x1_0000_0023n, 0x5_2000_0037n, 0x1_0000_0033n];
/** Mergeable buffers, checksums, the control queue with filters; in the second with packed rings, in the third with pairs of queues. */
const NET_FEATURES = [0x1_2006_8003n, 0x5_2096_8903n, 0x1c0_0001_2046_8187n, 0x8000n];
const NET = { mac: new Uint8Array(6).fill(2), mtu: null, place: 0 };

const OWN_FEATURES: Readonly<Partial<Record<FuzzTarget, readonly bigint[]>>> = {
  net: NET_FEATURES,
  'net with pairs': NET_FEATURES,
  balloon: BALLOON_FEATURES,
};

export function featuresFor(target: FuzzTarget): readonly bigint[] {
  return [...FEATURES, ...(OWN_FEATURES[target] ?? [])];
}

const BUSY: Readonly<Partial<Record<FuzzTarget, readonly number[]>>> = {
  console: [3, 2, 1, 0],
  balloon: [0, 2, 3, 1],
  vsock: [1, 0, 2],
  'vsock loopback': [1, 0, 2],
};

/** Queues that hear of every request. */
export function busyQueues(target: FuzzTarget): readonly number[] {
  return BUSY[target] ?? [0];
}

/** Some devices have one interface only. */
export function interfacesFor(target: FuzzTarget, wanted: Interfaces): Interfaces {
  return target.startsWith('vsock') ? 'modern' : wanted;
}

export function kindFor(target: FuzzTarget, disk: MemoryDisk | null): VirtioKind<VirtioPciFields, VirtioModel> {
  if (disk !== null) {
    const latency = target === 'disk' ? { constant: 100_000n, bytesPerSecond: 1_000_000_000n } : null;
    return virtioBlock({ backend: disk, serial: 'FUZZ', queues: 2, latency });
  }
  if (target === 'net') return virtioNet({ ...NET, backend: new MemoryCable(), pairs: 1 });
  if (target === 'net with pairs') return virtioNet({ ...NET, backend: new MemoryCable(), pairs: 2 });
  if (target === 'balloon') return virtioBalloon({ target: 0, deflateOnOom: true, reporting: true });
  if (target === 'vsock') return virtioVsock({ backend: new MemorySockets(true), cid: 3n });
  if (target === 'vsock loopback') return virtioVsock({ backend: new VsockLoopback(), cid: 3n });
  if (target === 'folder') return shareKind(sandbox().share);
  if (target === 'rng') return virtioRng({ source: null, seed: new Uint8Array(32) });
  const sink = { write: () => {} };
  if (target === 'console') return virtioConsole({ console: sink, named: [{ name: 'fuzz', output: sink }] });
  return echoKind([8, 8]);
}
