// SPDX-License-Identifier: BSD-2-Clause
import type { GuestMemory } from '../core/guest-memory.js';
import { EXIT_SLOT_LENGTH, ExitKind, ExitSlot } from './exit.js';
import type { FakeAnswer, FakeGuest, FakeStep } from './fake-guest.js';
import { FakeRegisters } from './fake-registers.js';
import { FakeTime } from './fake-time.js';
import type { ClockMode, Vcpu } from './hypervisor.js';

/** A real engine returns from `run()` now and then; so does this one. */
const INSTRUCTIONS_A_RUN = 10_000n;

const NMI = 2;

/** Saved in place of an answer of #GP: no u64 answer can be mistaken for it, being saved behind a one-word tag. */
const VALUE = 0n;
const FAULT = 1n;

type Guest = ReturnType<FakeGuest>;

export class FakeVcpu extends FakeRegisters implements Vcpu {
  readonly index = 0;
  readonly slot = new ExitSlot(new ArrayBuffer(EXIT_SLOT_LENGTH));
  readonly time: FakeTime;
  /** Vectors delivered so far. */
  readonly interrupts: number[] = [];
  private guest: Guest;
  /** All answers so far: a generator cannot be copied, but it can be told the same story again. */
  private answers: FakeAnswer[] = [];
  private step: FakeStep | undefined;
  private spent = 0n;
  private waiting: 'nothing' | 'answer' | 'acknowledge' = 'nothing';
  private woken = false;
  private external = false;
  private requests: number[] = [];

  constructor(
    private readonly memory: GuestMemory,
    private readonly program: FakeGuest,
    clock: ClockMode,
    private readonly requireOpen: () => void,
  ) {
    super();
    this.time = new FakeTime(clock);
    this.guest = this.program({ memory, interrupts: this.interrupts });
  }

  wake(): void {
    this.woken = true;
  }

  interrupt(vector: number): void {
    this.requests.push(vector);
  }

  setExternalInterrupt(level: boolean): void {
    this.external = level;
  }

  run(): ExitKind {
    this.requireOpen();
    this.takeAnswer();
    const end = this.time.retired + INSTRUCTIONS_A_RUN;
    for (;;) {
      if (this.woken) {
        this.woken = false;
        return this.leave(ExitKind.Woken);
      }
      if (this.time.now() >= this.slot.deadline) return this.leave(ExitKind.Deadline);
      if (this.time.retired >= end) return this.leave(ExitKind.None);
      const kind = this.advance(end);
      if (kind !== ExitKind.None) return this.leave(kind);
    }
  }

  safepoint(): ExitKind {
    this.requireOpen();
    this.takeAnswer();
    return ExitKind.None;
  }

  counters(): Readonly<Record<string, number>> {
    return {};
  }

  errorText(): string {
    return this.step?.do === 'break-down' ? this.step.reason : '';
  }

  instructions(): bigint {
    return this.time.retired;
  }

  injectNmi(): void {
    this.requests.push(NMI);
  }

  reset(): void {
    this.restart([]);
    this.resetRegisters();
    this.requests = [];
    this.external = false;
  }

  getPrivate(): Uint8Array {
    const words = [
      this.time.retired,
      this.time.offset,
      this.spent,
      BigInt(this.external),
      BigInt(this.requests.length),
    ];
    words.push(...this.requests.map(BigInt), BigInt(this.interrupts.length), ...this.interrupts.map(BigInt));
    for (const answer of this.answers) words.push(answer === null ? FAULT : VALUE, answer ?? 0n);
    return new Uint8Array(BigUint64Array.from(words).buffer);
  }

  setPrivate(bytes: Uint8Array): void {
    const words = new BigUint64Array(bytes.slice().buffer);
    let at = 0;
    const next = (): bigint => words[at++] ?? 0n;
    const numbers = (): number[] => Array.from({ length: Number(next()) }, () => Number(next()));
    this.time.retired = next();
    this.time.offset = BigInt.asIntN(64, next());
    const spent = next();
    this.external = next() !== 0n;
    this.requests = numbers();
    const interrupts = numbers();
    const answers: FakeAnswer[] = [];
    while (at < words.length) {
      const isFault = next() === FAULT;
      const value = next();
      answers.push(isFault ? null : value);
    }
    this.restart(answers);
    this.interrupts.splice(0, this.interrupts.length, ...interrupts);
    this.spent = spent;
  }

  /** Tells the guest its story up to now. Memory already is as it was, so the guest's own stores do no harm. */
  private restart(answers: readonly FakeAnswer[]): void {
    this.waiting = 'nothing';
    this.spent = 0n;
    this.interrupts.length = 0;
    this.answers = [];
    this.step = undefined;
    this.guest = this.program({ memory: this.memory, interrupts: this.interrupts });
    for (const answer of answers) {
      this.step ??= this.nextStep(0n);
      this.complete(answer);
    }
  }

  /** One interrupt, one step or a part of it. */
  private advance(end: bigint): ExitKind {
    this.step ??= this.answers.length === 0 ? this.nextStep(0n) : undefined;
    const step = this.step ?? { do: 'cli-hlt' as const };
    const vector = this.takeRequest(step);
    if (vector !== undefined) {
      this.deliver(vector);
      return ExitKind.None;
    }
    if (this.external && step.do !== 'cli-hlt') {
      this.waiting = 'acknowledge';
      return ExitKind.InterruptAcknowledge;
    }
    if (step.do !== 'spend') return this.ask(step);
    this.spend(BigInt(step.instructions), end);
    return ExitKind.None;
  }

  /** As many of the step's instructions as there are before the deadline and the end of this run. */
  private spend(wanted: bigint, end: bigint): void {
    const until = this.time.until(this.slot.deadline);
    const untilEnd = end - this.time.retired;
    let count = wanted - this.spent;
    if (until < count) count = until;
    if (untilEnd < count) count = untilEnd;
    this.spent += count;
    this.time.retired += count;
    if (this.spent < wanted) return;
    this.spent = 0n;
    this.complete(0n);
  }

  /** The oldest, or with interrupts off an NMI. */
  private takeRequest(step: FakeStep): number | undefined {
    const index = step.do === 'cli-hlt' ? this.requests.indexOf(NMI) : 0;
    return index < 0 ? undefined : this.requests.splice(index, 1)[0];
  }

  private deliver(vector: number): void {
    this.interrupts.push(vector);
    if (this.step?.do === 'hlt' || this.step?.do === 'cli-hlt') this.complete(BigInt(vector));
  }

  private ask(step: Exclude<FakeStep, { do: 'spend' }>): ExitKind {
    const { slot } = this;
    slot.refused = false;
    this.waiting = 'answer';
    switch (step.do) {
      case 'in':
      case 'load':
        slot.width = step.width ?? (step.do === 'in' ? 1 : 4);
        slot.address = step.do === 'in' ? step.port : step.address;
        slot.data64 = 0n;
        return step.do === 'in' ? ExitKind.PortRead : ExitKind.MmioRead;
      case 'out':
      case 'store':
        slot.width = step.width ?? (step.do === 'out' ? 1 : 4);
        slot.address = step.do === 'out' ? step.port : step.address;
        slot.data64 = BigInt(step.value);
        return step.do === 'out' ? ExitKind.PortWrite : ExitKind.MmioWrite;
      case 'rdmsr':
      case 'wrmsr':
        slot.width = 8;
        slot.address = step.msr;
        slot.data64 = step.do === 'wrmsr' ? step.value : 0n;
        return step.do === 'rdmsr' ? ExitKind.MsrRead : ExitKind.MsrWrite;
      case 'eoi':
        slot.address = step.vector;
        return ExitKind.Eoi;
      case 'triple-fault':
        this.waiting = 'nothing';
        return ExitKind.Shutdown;
      case 'break-down':
        this.waiting = 'nothing';
        return ExitKind.Error;
      case 'hlt':
      case 'cli-hlt':
        this.waiting = 'nothing';
        slot.detail = step.do === 'hlt' ? 0 : 1;
        return ExitKind.Hlt;
    }
  }

  private takeAnswer(): void {
    const { waiting } = this;
    this.waiting = 'nothing';
    if (waiting === 'acknowledge') this.deliver(this.slot.data);
    if (waiting !== 'answer') return;
    this.time.retired += 1n;
    this.complete(this.slot.refused ? null : this.slot.data64);
  }

  private complete(answer: FakeAnswer): void {
    this.answers.push(answer);
    this.step = this.nextStep(answer);
  }

  private nextStep(answer: FakeAnswer): FakeStep | undefined {
    const { done, value } = this.guest.next(answer);
    return done ? undefined : (value ?? undefined);
  }

  private leave(kind: ExitKind): ExitKind {
    this.slot.kind = kind;
    this.slot.instructions = this.time.retired;
    this.slot.time = this.time.now();
    this.slot.rip = BigInt(this.answers.length);
    return kind;
  }
}
