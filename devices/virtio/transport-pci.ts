// SPDX-License-Identifier: BSD-2-Clause
/**
 * A virtio device on the PCI bus, with the modern interface, the legacy one, or both.
 * Reference: VIRTIO-1.2 §4.1. The doorbells are those of the modern BAR.
 */
import type { Width } from '../../src/core/bits.js';
import type { Clock } from '../../src/core/clock.js';
import type { GuestMemory } from '../../src/core/guest-memory.js';
import type { Logger } from '../../src/core/log.js';
import type { MmioHandler } from '../../src/core/memory-bus.js';
import type { MsiSink } from '../../src/core/msi.js';
import { nested, type StateOf } from '../../src/core/state-shape.js';
import { configSpace, readConfig } from '../pci/config-space.js';
import { MSI_CAPABILITY, Msi, msiShape } from '../pci/msi.js';
import { MSIX_CAPABILITY, Msix, msixShape } from '../pci/msix.js';
import { PciFunction, type PciPlace } from '../pci/pci-function.js';
import { commonConfig } from './common-config.js';
import { type Interfaces, legacyFeatures, modernFeatures } from './features.js';
import { LEGACY_LENGTHS, type LegacyOwner, legacyConfig } from './legacy-config.js';
import { VirtioCore } from './virtio-core.js';
import type { VirtioHost, VirtioKind, VirtioModel, VirtioPciFields } from './virtio-kind.js';
import {
  LEGACY_BAR,
  MODERN_BAR,
  MSIX_BAR,
  NOTIFY_MULTIPLIER,
  PciCfg,
  Region,
  type VirtioLayout,
  virtioLayout,
} from './virtio-layout.js';
import { virtioShape } from './virtio-state.js';

const ISR_QUEUE = 0x1;
const ISR_CONFIG = 0x2;
const REGION_SIZE = 0x1000;

export interface VirtioPciParts {
  readonly memory: GuestMemory;
  readonly clock: Clock;
  readonly msi: MsiSink;
  readonly log: Logger;
}

export interface VirtioPciOptions {
  readonly interfaces: Interfaces;
  /** Offer the packed ring. */
  readonly packed: boolean;
  /** Without MSI-X there is MSI with one vector, as on bhyve. */
  readonly msix: boolean;
}

export class VirtioPci<F extends VirtioPciFields, M extends VirtioModel = VirtioModel>
  extends PciFunction<F>
  implements LegacyOwner
{
  readonly core: VirtioCore;
  readonly model: M;
  private readonly msi: Msi;
  private readonly msix: Msix;
  private readonly virtioLayout: VirtioLayout;

  constructor(
    id: string,
    place: PciPlace,
    kind: VirtioKind<F, M>,
    parts: VirtioPciParts,
    { interfaces, packed, msix }: VirtioPciOptions,
  ) {
    const layout = virtioLayout({ ...kind, queues: kind.queueSizes.length, interfaces, msix });
    const shape = kind.shape({
      config: configSpace(layout.config),
      msi: nested(msiShape),
      msix: nested(msixShape(layout.vectors)),
      virtio: nested(virtioShape(kind.queueSizes)),
    });
    super(id, shape, place, layout.config, layout.bars);
    this.virtioLayout = layout;
    const messages = { config: () => this.config, mayWrite: () => this.busMaster, sink: parts.msi };
    this.msi = new Msi({
      ...messages,
      state: () => this.state.msi,
      capability: layout.config.capability(MSI_CAPABILITY) ?? null,
      vectors: 1,
    });
    this.msix = new Msix({
      ...messages,
      state: () => this.state.msix,
      capability: layout.config.capability(MSIX_CAPABILITY) ?? null,
      vectors: layout.vectors,
    });
    this.core = new VirtioCore({
      id,
      state: () => this.state.virtio,
      ...parts,
      offered: {
        modern: interfaces === 'legacy' ? 0n : modernFeatures(kind.features, packed),
        legacy: interfaces === 'modern' ? 0n : legacyFeatures(kind.features),
      },
      queueSizes: kind.queueSizes,
      mayAccessMemory: () => this.busMaster,
      interruptQueue: (index) => this.interrupt(ISR_QUEUE, this.core.queueState(index).vector),
      interruptConfig: () => this.interrupt(ISR_CONFIG, this.core.state.configVector),
      model: () => this.model,
      reset: () => this.driverReset(kind.queueSizes),
    });
    this.model = kind.create(this.host(parts));
  }

  get vectors(): number {
    return this.msix.vectors;
  }

  override readConfig(offset: number, width: Width): number {
    const data = this.pciCfgAccess(offset);
    if (data !== null) return data.handler.read(data.offset, data.width);
    return this.msi.overlay(offset, width, super.readConfig(offset, width));
  }

  override writeConfig(offset: number, width: Width, value: number): void {
    const data = this.pciCfgAccess(offset);
    if (data === null) super.writeConfig(offset, width, value);
    else data.handler.write(data.offset, data.width, value);
  }

  override reset(): void {
    this.model.reset();
    super.reset();
  }

  override pause(): void {
    this.model.pause();
  }

  override isQuiet(): boolean {
    return this.model.isQuiet();
  }

  override saveRefusal(): string | null {
    return this.model.saveRefusal();
  }

  override renew(seed: Uint8Array): void {
    this.model.renew(seed);
  }

  override renewAddress(seed: Uint8Array): void {
    this.model.renewAddress(seed);
  }

  override rejoined(): void {
    this.model.rejoined();
  }

  override close(): void {
    this.model.close();
  }

  takeIsr(): number {
    const { isr } = this.state.virtio;
    this.state.virtio.isr = 0;
    this.driveIntx();
    return isr;
  }

  protected override restored(): void {
    super.restored();
    this.core.arm();
    this.model.restored();
  }

  protected override wasReset(): void {
    super.wasReset();
    this.core.arm();
  }

  protected override configWritten(): void {
    this.msi.masksChanged();
    this.msix.masksChanged();
    this.core.goOn();
  }

  protected override interruptPending(): boolean {
    return this.state.virtio.isr !== 0 && !this.msix.enabled && !this.msi.enabled;
  }

  protected override barHandler(index: number): MmioHandler {
    switch (index) {
      case LEGACY_BAR:
        return this.legacyBar();
      case MSIX_BAR:
        return this.msix.table();
      case MODERN_BAR:
        return this.modernBar();
      default:
        return super.barHandler(index);
    }
  }

  private host(parts: VirtioPciParts): VirtioHost<StateOf<F>> {
    const { core, id } = this;
    return {
      id,
      ...parts,
      state: () => this.state,
      get features() {
        return core.features;
      },
      queue: (index) => {
        const queue = core.queues[index];
        if (queue === undefined) throw new RangeError(`${id}: no queue ${index}`);
        return queue;
      },
      guarded: (work) => core.guarded(work),
      process: (index) => core.notify(index),
      configChanged: () => core.configChanged(),
    };
  }

  private driverReset(queueSizes: readonly number[]): void {
    this.model.reset();
    Object.assign(this.state.virtio, virtioShape(queueSizes).initial());
    this.core.arm();
    this.driveIntx();
  }

  /** §4.1.4.5.1: with MSI-X the status tells of configuration changes only. */
  private interrupt(cause: number, vector: number): void {
    if (cause === ISR_CONFIG || !this.msix.enabled) this.state.virtio.isr |= cause;
    if (this.msix.enabled) this.msix.trigger(vector);
    else if (this.msi.enabled) this.msi.trigger(0);
    else this.driveIntx();
  }

  private legacyBar(): MmioHandler {
    const bank = (): 0 | 1 => (this.msix.enabled ? 1 : 0);
    return {
      read: (offset, width) => {
        const own = offset - LEGACY_LENGTHS[bank()];
        if (own >= 0) return this.model.readConfig(own, width);
        return legacyConfig.read(this.state.virtio, this, bank(), offset, width);
      },
      write: (offset, width, value) => {
        const own = offset - LEGACY_LENGTHS[bank()];
        if (own >= 0) this.model.writeConfig(own, width, value);
        else legacyConfig.write(this.state.virtio, this, bank(), offset, width, value);
      },
    };
  }

  private modernBar(): MmioHandler {
    const doorbells = this.core.queues.map((_, queue) => ({
      offset: Region.NOTIFY + queue * NOTIFY_MULTIPLIER,
      width: 2 as const,
      ring: () => this.core.notify(queue),
    }));
    return {
      doorbells,
      read: (offset, width) => {
        const within = offset % REGION_SIZE;
        switch (offset - within) {
          case Region.COMMON:
            return commonConfig.read(this.state.virtio, this, 0, within, width);
          case Region.ISR:
            return within === 0 ? this.takeIsr() : 0;
          case Region.DEVICE:
            return this.model.readConfig(within, width);
          default:
            return 0;
        }
      },
      write: (offset, width, value) => {
        const within = offset % REGION_SIZE;
        switch (offset - within) {
          case Region.COMMON:
            commonConfig.write(this.state.virtio, this, 0, within, width, value);
            break;
          case Region.DEVICE:
            this.model.writeConfig(within, width, value);
            break;
          case Region.NOTIFY:
            this.core.notify(Math.floor(within / NOTIFY_MULTIPLIER));
            break;
        }
      },
    };
  }

  /** §4.1.4.9: an access to the data register is one to a BAR. Null if it is not one, or leads nowhere. */
  private pciCfgAccess(offset: number): { handler: MmioHandler; offset: number; width: Width } | null {
    const { pciCfg, bars } = this.virtioLayout;
    if (pciCfg === null || offset !== pciCfg + PciCfg.DATA) return null;
    const register = (at: number, width: Width): number => readConfig(this.config, pciCfg + at, width);
    const bar = bars.find(({ index }) => index === register(PciCfg.BAR, 1));
    const [target, width] = [register(PciCfg.OFFSET, 4), register(PciCfg.LENGTH, 4)];
    if (bar === undefined || (width !== 1 && width !== 2 && width !== 4)) return null;
    if (target % width !== 0 || target + width > bar.size) return null;
    return { handler: this.barHandler(bar.index), offset: target, width };
  }
}
