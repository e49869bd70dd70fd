// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio memory balloon, `virtio-balloon`: pages that the guest gives for a while, or tells to be free, are the host's
 * until the guest touches them, and read as zeros from the moment on in which it gives them. Reference: VIRTIO-1.2 §5.5.
 * Not modelled: free page hinting.
 */
import type { Width } from '../../src/core/bits.js';
import { optional, record, u16 } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import {
  BALLOON_CONFIG_LENGTH,
  type BalloonConfigState,
  BalloonFeature,
  type BalloonFeatureOptions,
  balloonConfig,
  balloonConfigFields,
  balloonFeatures,
} from './balloon-config.js';
import {
  BALLOON_QUEUE_SIZE,
  discardNumbered,
  discardReported,
  MOST_NUMBERS,
  type Report,
  reportField,
} from './balloon-pages.js';
import {
  MOST_STATISTICS_BYTES,
  parseStatistics,
  STATISTICS,
  type Statistic,
  statisticsFields,
} from './balloon-statistics.js';
import { type Chain, type ChainId, readSpans, slice } from './chain.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 5;
const CLASS_OTHER = 0x00ff00;
const BUFFERS_AT_ONCE = 16;
const Queue = { INFLATE: 0, DEFLATE: 1, STATISTICS: 2 } as const;
/** §5.5.2 numbers the queue for reports 4; Linux and QEMU leave no numbers out for queues that were not agreed on. */
const QUEUES = 5;

export interface BalloonOptions extends BalloonFeatureOptions {
  /** Pages that the guest is asked for from the start. */
  readonly target: number;
}

function shapeFor(common: VirtioPciFields, target: number) {
  return new StateShape('virtio-balloon', 1, {
    ...common,
    ...balloonConfigFields(target),
    ...statisticsFields,
    held: optional(record({ head: u16(), slots: u16({ doc: 'places in the ring' }) }), {
      doc: 'the buffer of the statistics, given back to ask for new ones',
    }),
    report: optional(reportField, { doc: 'a report of free pages that is half done' }),
  });
}

export type BalloonFields = ReturnType<typeof shapeFor>['fields'];
interface BalloonState extends BalloonConfigState {
  statistics: (bigint | null)[];
  statisticsAt: bigint | null;
  held: ChainId | null;
  report: Report | null;
}

/** Sizes in pages. */
export interface BalloonFacts {
  readonly target: number;
  readonly actual: number;
  /** VM time of the guest's last word; null before the first one. */
  readonly toldAt: bigint | null;
  readonly guest: Readonly<Partial<Record<Statistic, bigint>>>;
}

export class VirtioBalloon extends VirtioModel {
  constructor(private readonly host: VirtioHost<BalloonState>) {
    super();
  }

  get facts(): BalloonFacts {
    const { target, actual, statistics, statisticsAt } = this.host.state();
    const told = STATISTICS.flatMap((name, tag) => {
      const value = statistics[tag] ?? null;
      return value === null ? [] : [[name, value] as const];
    });
    return { target, actual, toldAt: statisticsAt, guest: Object.fromEntries(told) };
  }

  /** Asks the guest for so many pages altogether. */
  setTarget(pages: number): void {
    const state = this.host.state();
    if (state.target === pages) return;
    state.target = pages;
    this.host.configChanged();
  }

  /** Asks the guest for statistics. False if it would not answer: it has no driver, or has been asked already. */
  refresh(): boolean {
    const state = this.host.state();
    const queue = this.host.queue(Queue.STATISTICS);
    if (state.held === null || !queue.isLive) return false;
    const { held } = state;
    state.held = null;
    this.host.guarded(() => {
      queue.use(held, 0);
      queue.flush();
    });
    return true;
  }

  process(queue: VirtioQueue): void {
    switch (queue.index) {
      case Queue.INFLATE:
        this.inflate(queue);
        break;
      case Queue.DEFLATE:
        this.deflate(queue);
        break;
      case Queue.STATISTICS:
        if (this.has(BalloonFeature.STATS_VQ)) this.hear(queue);
        else this.report(queue);
        break;
      default:
        this.report(queue);
    }
  }

  override readConfig(offset: number, width: Width): number {
    return balloonConfig.read(this.host.state(), undefined, 0, offset, width);
  }

  override writeConfig(offset: number, width: Width, value: number): void {
    balloonConfig.write(this.host.state(), undefined, 0, offset, width, value);
  }

  override abandon({ index }: VirtioQueue): void {
    const state = this.host.state();
    if (index === Queue.STATISTICS) state.held = null;
    if (index === state.report?.queue) state.report = null;
  }

  /** The pages are the guest's again, all of them. */
  override reset(): void {
    const nothing = { statistics: parseStatistics(new Uint8Array()), statisticsAt: null, held: null, report: null };
    Object.assign(this.host.state(), { actual: 0, poison: 0, ...nothing });
  }

  private inflate(queue: VirtioQueue): void {
    let left = MOST_NUMBERS;
    const handle = (chain: Chain): void => {
      left -= discardNumbered(this.host.memory, chain.readable, chain.readableLength);
      queue.use(chain, 0);
    };
    queue.takeSome(BUFFERS_AT_ONCE, handle, { mayGoOn: () => left > 0 });
  }

  /** There is nothing to do: a page that was given back is a page of zeros. */
  private deflate(queue: VirtioQueue): void {
    queue.takeSome(BUFFERS_AT_ONCE, (chain) => queue.use(chain, 0));
  }

  /** A second buffer breaks §5.5.6.3: the first one goes back. */
  private hear(queue: VirtioQueue): void {
    const state = this.host.state();
    queue.takeSome(BUFFERS_AT_ONCE, ({ readable, readableLength, head, slots }) => {
      const length = Math.min(readableLength, MOST_STATISTICS_BYTES);
      state.statistics = parseStatistics(readSpans(this.host.memory, slice(readable, 0, length)));
      state.statisticsAt = this.host.clock.now();
      if (state.held !== null) queue.use(state.held, 0);
      state.held = { head, slots };
    });
  }

  private report(queue: VirtioQueue): void {
    const state = this.host.state();
    state.report ??= this.nextReport(queue);
    const { report } = state;
    if (report === null) return;
    if (report.queue === queue.index) discardReported(this.host.memory, report);
    if (report.queue === queue.index && report.spans.length === 0) {
      state.report = null;
      queue.use(report, 0);
    }
    queue.defer();
  }

  /** §5.5.6.7: a page must not become anything but what the guest keeps in free ones. */
  private nextReport(queue: VirtioQueue): Report | null {
    const chain = this.has(BalloonFeature.PAGE_REPORTING) ? queue.take() : null;
    if (chain === null) return null;
    const mayBeZero = !this.has(BalloonFeature.PAGE_POISON) || this.host.state().poison === 0;
    const spans = mayBeZero ? chain.writable : [];
    const { head, slots } = chain;
    return {
      queue: queue.index,
      head,
      slots,
      spans: spans.map(({ address, length }) => ({ address: BigInt(address), length })),
    };
  }

  private has(feature: bigint): boolean {
    return (this.host.features & feature) !== 0n;
  }
}

export function virtioBalloon(options: BalloonOptions): VirtioKind<BalloonFields, VirtioBalloon> {
  return {
    type: TYPE,
    classCode: CLASS_OTHER,
    features: balloonFeatures(options),
    queueSizes: Array.from({ length: QUEUES }, () => BALLOON_QUEUE_SIZE),
    configLength: BALLOON_CONFIG_LENGTH,
    shape: (common) => shapeFor(common, options.target),
    create: (host) => new VirtioBalloon(host),
  };
}
