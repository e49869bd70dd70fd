// SPDX-License-Identifier: BSD-2-Clause
/** Opens an export of an NBD server as a guest's disk (decision 0013). */
import { type NbdImage, openNbdImage } from '../../hypervisor/nbd-image.js';
import { HostError } from '../host-error.js';
import { ImageBackend, type ImageBackendOptions } from './image-backend.js';
import { nbdAddress, nbdUri } from './nbd-address.js';
import type { RawDiskOptions } from './raw-disk.js';

const SECTOR = 512;
/** The client itself gives a server 60 s for an answer, and 30 s more to come back. */
const PATIENCE_MS = 120_000;

export function openNbdDisk(options: RawDiskOptions, backend: ImageBackendOptions = {}): ImageBackend {
  const { path, readOnly, sync, noCache, discard, logicalBlock, physicalBlock } = options;
  const address = nbdAddress(path);
  const name = `disk ${nbdUri(address)}`;
  if (noCache) throw new HostError(name, 'nocache is about caches of this host, which it has none in: leave it out');
  const found = connect(name, () => openNbdImage(name, { ...address, durable: sync }));
  try {
    refuseUnfit(name, found, options);
  } catch (error) {
    found.image.close();
    throw error;
  }
  const facts = {
    name,
    capacity: capacityOf(found),
    readOnly,
    logicalBlock,
    physicalBlock,
    canDiscard: found.canDiscard && discard && !readOnly,
    // A server tells no time of the last change.
    identity: readOnly ? `${found.size} bytes of ${nbdUri(address)}` : '',
  };
  return new ImageBackend(found.image, facts, { patienceMilliseconds: PATIENCE_MS, ...backend });
}

function connect(name: string, open: () => NbdImage): NbdImage {
  try {
    return open();
  } catch (cause) {
    throw new HostError(name, (cause as Error).message, { cause });
  }
}

function refuseUnfit(name: string, found: NbdImage, { readOnly, logicalBlock }: RawDiskOptions): void {
  const { size, minimumBlock } = found;
  if (found.readOnly && !readOnly) throw new HostError(name, 'the server lets nobody write to it: add ro');
  if (minimumBlock > logicalBlock) {
    const way = minimumBlock <= 4096 ? `sectorsize=${minimumBlock} is accepted` : 'at most 4096 are accepted';
    throw new HostError(
      name,
      `the server moves ${minimumBlock} bytes at least, and a sector has ${logicalBlock}: ${way}`,
    );
  }
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new HostError(name, `${size} bytes; at most 2^53 are accepted`);
  if (capacityOf(found) === 0) throw new HostError(name, `${size} bytes; at least ${SECTOR} are accepted`);
}

function capacityOf({ size }: NbdImage): number {
  return Number(size - (size % BigInt(SECTOR)));
}
