// SPDX-License-Identifier: BSD-2-Clause
/** Disk images of the native addon (native/disk), whichever they are: raw files, layers, remote ones. */
import { type AddonDisk, type AddonMachine, loadAddon } from './addon.js';
import { hypervisorError } from './hypervisor-error.js';

/** In the order of native/disk/request.h. */
export const REQUEST_KINDS = ['read', 'write', 'flush', 'discard', 'zero'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

const DURABLE = 1;
const UNMAP = 2;

/** What an image is asked to do; bytes from the start of the disk, within it. */
export interface ImageRequest {
  readonly kind: RequestKind;
  readonly offset?: number;
  readonly length?: number;
  readonly memory?: readonly Uint8Array[];
  /** On stable storage when it is done. */
  readonly durable?: boolean;
  /** Space is to be given back. */
  readonly unmap?: boolean;
}

const NO_MEMORY: readonly Uint8Array[] = [];

export interface RawImage {
  readonly image: DiskImage;
  /** Bytes. */
  readonly capacity: number;
  readonly canDiscard: boolean;
}

/** The image of an open file or device, on a duplicate of its descriptor. `direct`: it is past the host's cache. */
export function openRawImage(name: string, fd: number, direct: boolean): RawImage {
  const { image, capacity, canDiscard } = loadAddon().disk.openRaw(fd, direct);
  return { image: new DiskImage(name, image), capacity, canDiscard };
}

export class DiskImage {
  constructor(
    private readonly name: string,
    private readonly addon: AddonDisk,
  ) {}

  /** Does it on this thread; 0, or the number of the system's error. */
  perform(request: ImageRequest): number {
    const { offset = 0, length = 0, memory = NO_MEMORY } = request;
    return this.guarded(() => this.addon.perform(kindOf(request), flagsOf(request), offset, length, memory));
  }

  /** Reads into the machine's memory what the host has in its own; false if that is not all there, or nobody can tell. */
  readCached(machine: AddonMachine, offset: number, memory: readonly Uint8Array[]): boolean {
    return this.guarded(() => this.addon.readCached(machine, offset, memory));
  }

  /**
   * Does it on another thread, which posts the result to `source` under this token. Memory is the machine's. False if too
   * much is on its way already.
   */
  submit(machine: AddonMachine, source: number, token: number, request: ImageRequest): boolean {
    const { offset = 0, length = 0, memory = NO_MEMORY } = request;
    const [kind, flags] = [kindOf(request), flagsOf(request)];
    return this.guarded(() => this.addon.submit(machine, source, token, kind, flags, offset, length, memory));
  }

  /** Allowed twice. What is on its way is finished. */
  close(): void {
    this.addon.close();
  }

  private guarded<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      throw hypervisorError(this.name, cause);
    }
  }
}

function kindOf({ kind }: ImageRequest): number {
  return REQUEST_KINDS.indexOf(kind);
}

function flagsOf({ durable = false, unmap = false }: ImageRequest): number {
  return (durable ? DURABLE : 0) | (unmap ? UNMAP : 0);
}
