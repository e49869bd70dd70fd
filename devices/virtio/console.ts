// SPDX-License-Identifier: BSD-2-Clause
/**
 * virtio console device, `virtio-console`: a console port and named ports. Reference: VIRTIO-1.2 §5.3. Not modelled: ports
 * that come and go while the machine runs.
 */
import type { Width } from '../../src/core/bits.js';
import type { ByteSink } from '../../src/core/input.js';
import { list } from '../../src/core/state-fields.js';
import { StateShape } from '../../src/core/state-shape.js';
import { readSpans, slice, writeSpans } from './chain.js';
import {
  CONSOLE_CONFIG_LENGTH,
  type ConsoleConfigOwner,
  ConsoleFeature,
  consoleConfig,
  consoleConfigFields,
  consoleFeatures,
} from './console-config.js';
import { CONTROL_LENGTH, type DriverWord, deviceWord, driverWord, Tell } from './console-control.js';
import {
  addAllTyped,
  addTyped,
  deliver,
  forgetDriver,
  type PortState,
  portField,
  QUEUE_SIZE,
  transmit,
} from './console-port.js';
import { type VirtioHost, type VirtioKind, VirtioModel, type VirtioPciFields } from './virtio-kind.js';
import type { VirtioQueue } from './virtio-queue.js';

const TYPE = 3;
const CLASS_COMMUNICATION_OTHER = 0x078000;
export const MOST_NAMED_PORTS = 16;
const MESSAGES_AT_ONCE = 32;
/** §5.3.2: the queues of port 0 come first, then these two, then those of port 1 and so on. */
const CONTROL_RECEIVE = 2;
const CONTROL_TRANSMIT = 3;

const nothing: ByteSink = { write: () => {} };

export interface NamedPort {
  readonly name: string;
  readonly output: ByteSink;
}

export interface ConsoleOptions {
  /** Port 0. Null: the driver hears of no such port. */
  readonly console: ByteSink | null;
  /** Port 1 and so on. */
  readonly named: readonly NamedPort[];
}

function shapeFor(common: VirtioPciFields, ports: number) {
  return new StateShape('virtio-console', 1, {
    ...common,
    ...consoleConfigFields,
    ports: list(portField, { length: ports }),
  });
}

export type ConsoleFields = ReturnType<typeof shapeFor>['fields'];
interface ConsoleState {
  columns: number;
  rows: number;
  ports: PortState[];
}

export class VirtioConsole extends VirtioModel implements ConsoleConfigOwner {
  constructor(
    private readonly host: VirtioHost<ConsoleState>,
    private readonly options: ConsoleOptions,
  ) {
    super();
  }

  get portCount(): number {
    return 1 + this.options.named.length;
  }

  /** Types bytes at a port and tells how many there was room for. */
  type(port: number, bytes: Uint8Array): number {
    const taken = addTyped(this.port(port), bytes);
    this.host.process(receiveQueue(port));
    return taken;
  }

  typeAll(port: number, bytes: Uint8Array): void {
    addAllTyped(`${this.host.id} port ${port}`, this.port(port), bytes);
    this.host.process(receiveQueue(port));
  }

  /** Somebody has come to the other end of a port, or has left it. */
  setOpen(port: number, isOpen: boolean): void {
    const state = this.port(port);
    if (state.hostOpen === isOpen) return;
    state.hostOpen = isOpen;
    if (state.ready) this.tell(state, Tell.OPEN);
  }

  /** The terminal at the console port has another size. */
  resize(columns: number, rows: number): void {
    const state = this.host.state();
    if (state.columns === columns && state.rows === rows) return;
    Object.assign(state, { columns, rows });
    if ((this.host.features & ConsoleFeature.SIZE) === 0n) return;
    this.host.configChanged();
    const console = this.port(0);
    if (console.ready) this.tell(console, Tell.SIZE);
  }

  /** There is room for what the guest writes, where there may have been none. */
  roomAgain(port: number): void {
    const queue = this.host.queue(transmitQueue(port));
    // Output that takes everything has had nobody wait: what waits in this queue does so for another reason.
    if (queue.isStalled && this.output(port).room !== undefined) queue.defer();
  }

  process(queue: VirtioQueue): void {
    if (queue.index >= CONTROL_RECEIVE && !this.hasControl) return;
    if (queue.index === CONTROL_RECEIVE) this.sendControl(queue);
    else if (queue.index === CONTROL_TRANSMIT) this.readControl(queue);
    else this.move(queue);
  }

  override readConfig(offset: number, width: Width): number {
    return consoleConfig.read(this.host.state(), this, 0, offset, width);
  }

  override writeConfig(offset: number, width: Width, value: number): void {
    consoleConfig.write(this.host.state(), this, 0, offset, width, value);
  }

  writeInEmergency(byte: number): void {
    this.output(0).write(byte);
  }

  override abandon({ index }: VirtioQueue): void {
    if (index !== CONTROL_TRANSMIT && isTransmit(index)) this.port(portOf(index)).sending = null;
  }

  override reset(): void {
    for (const port of this.host.state().ports) forgetDriver(port);
  }

  /** In another process there is another reader. */
  override rejoined(): void {
    for (const port of this.host.state().ports.keys()) this.roomAgain(port);
  }

  private get hasControl(): boolean {
    return (this.host.features & ConsoleFeature.MULTIPORT) !== 0n;
  }

  private move(queue: VirtioQueue): void {
    const index = portOf(queue.index);
    const port = this.port(index);
    if (isTransmit(queue.index)) transmit(port, queue, this.host.memory, this.output(index));
    else if (this.mayReceive(index, port)) deliver(port, queue, this.host.memory);
  }

  /** A driver throws away what comes for a port that it has not set up or that nobody has open. */
  private mayReceive(index: number, { ready, guestOpen, untold }: PortState): boolean {
    if (index > 0) return guestOpen;
    return !this.hasControl || (ready && (untold & Tell.CONSOLE) === 0);
  }

  private tell(port: PortState, what: number): void {
    if (!this.hasControl) return;
    port.untold |= what;
    this.host.process(CONTROL_RECEIVE);
  }

  private sendControl(queue: VirtioQueue): void {
    const { ports, columns, rows } = this.host.state();
    for (const [index, port] of ports.entries()) {
      const name = this.options.named[index - 1]?.name ?? '';
      while (port.untold !== 0) {
        const chain = queue.take();
        if (chain === null) return;
        const isOpen = index === 0 || port.hostOpen;
        const { told, message } = deviceWord(port.untold, index, { name, isOpen, columns, rows });
        queue.use(chain, writeSpans(this.host.memory, chain.writable, message));
        port.untold &= ~told;
        if (told === Tell.CONSOLE) this.host.process(receiveQueue(index));
      }
    }
  }

  private readControl(queue: VirtioQueue): void {
    queue.takeSome(MESSAGES_AT_ONCE, (chain) => {
      const length = Math.min(chain.readableLength, CONTROL_LENGTH);
      const word = driverWord(readSpans(this.host.memory, slice(chain.readable, 0, length)));
      queue.use(chain, 0);
      this.hear(word);
    });
  }

  private hear(word: DriverWord): void {
    if (word === null) return;
    const { ports } = this.host.state();
    if (word.kind === 'device-ready') {
      for (const [index, port] of ports.entries()) if (this.exists(index)) this.tell(port, Tell.ADD);
      return;
    }
    const port = this.exists(word.port) ? ports[word.port] : undefined;
    if (port === undefined) return;
    if (word.kind === 'port-open') {
      port.guestOpen = word.value;
      this.host.process(receiveQueue(word.port));
      return;
    }
    port.ready = word.value;
    if (port.ready) this.tell(port, Tell.OPEN | (word.port === 0 ? Tell.CONSOLE | this.sizeToTell : Tell.NAME));
  }

  private get sizeToTell(): number {
    return this.host.features & ConsoleFeature.SIZE ? Tell.SIZE : 0;
  }

  private exists(port: number): boolean {
    return port > 0 || this.options.console !== null;
  }

  private output(port: number): ByteSink {
    return (port === 0 ? this.options.console : this.options.named[port - 1]?.output) ?? nothing;
  }

  private port(index: number): PortState {
    const port = this.host.state().ports[index];
    if (port === undefined) throw new RangeError(`${this.host.id}: no port ${index}`);
    return port;
  }
}

const isTransmit = (queue: number): boolean => queue % 2 === 1;
const portOf = (queue: number): number => (queue < CONTROL_RECEIVE ? 0 : Math.floor(queue / 2) - 1);
const receiveQueue = (port: number): number => (port === 0 ? 0 : 2 * (port + 1));
const transmitQueue = (port: number): number => receiveQueue(port) + 1;

export function virtioConsole(options: ConsoleOptions): VirtioKind<ConsoleFields, VirtioConsole> {
  const { named } = options;
  if (named.length > MOST_NAMED_PORTS) throw new RangeError(`ports: expected at most ${MOST_NAMED_PORTS}`);
  const queues = named.length > 0 ? 2 * (named.length + 2) : 2;
  return {
    type: TYPE,
    classCode: CLASS_COMMUNICATION_OTHER,
    features: consoleFeatures(named.length),
    queueSizes: Array.from({ length: queues }, () => QUEUE_SIZE),
    configLength: CONSOLE_CONFIG_LENGTH,
    shape: (common) => shapeFor(common, 1 + named.length),
    create: (host) => new VirtioConsole(host, options),
  };
}
