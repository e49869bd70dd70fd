// SPDX-License-Identifier: BSD-2-Clause
/**
 * Machine code for small 64-bit guests: a few instructions by name, all others as bytes. What a guest reads it stores at
 * RDI, which moves on, so that everything it ever saw is in its memory at the end.
 */
type Width = 1 | 2 | 4;

interface Fixup {
  readonly at: number;
  readonly label: string;
}

export class GuestCode {
  private readonly code: number[] = [];
  private readonly labels = new Map<string, number>();
  private readonly fixups: Fixup[] = [];
  /** Interrupt and exception handlers: vector and label. */
  readonly handlers = new Map<number, string>();

  bytes(...bytes: number[]): this {
    this.code.push(...bytes);
    return this;
  }

  label(name: string): this {
    if (this.labels.has(name)) throw new Error(`two places are called ${name}`);
    this.labels.set(name, this.code.length);
    return this;
  }

  jump(label: string): this {
    return this.bytes(0xe9).distanceTo(label);
  }

  jumpIfNotZero(label: string): this {
    return this.bytes(0x0f, 0x85).distanceTo(label);
  }

  /** LEA RAX, [label] */
  addressOf(label: string): this {
    return this.bytes(0x48, 0x8d, 0x05).distanceTo(label);
  }

  /** Starts the handler of a vector. */
  handler(vector: number): this {
    const name = `vector ${vector}`;
    this.handlers.set(vector, name);
    return this.label(name);
  }

  nop(count: number): this {
    return this.bytes(...Array.from({ length: count }, () => 0x90));
  }

  /** Uses EAX and EDX. */
  out(port: number, value: number, width: Width = 1): this {
    return this.bytes(0xba, ...word32(port), 0xb8, ...word32(value), ...sized(width, 0xee, 0xef));
  }

  /** Uses EAX and EDX. */
  outAll(port: number, ...values: number[]): this {
    for (const value of values) this.out(port, value);
    return this;
  }

  /** Keeps what it reads. Uses EAX and EDX. */
  in(port: number, width: Width = 1): this {
    return this.bytes(0xba, ...word32(port), ...sized(width, 0xec, 0xed), ...sized(width, 0xaa, 0xab));
  }

  /** MOV [address], value. Uses RBX. */
  store(address: number, value: number, width: Width = 4): this {
    const immediate = word32(value).slice(0, width);
    return this.bytes(0xbb, ...word32(address), ...sized(width, 0xc6, 0xc7), 0x03, ...immediate);
  }

  /** Keeps what it loads. Uses RAX and RBX. */
  load(address: number, width: Width = 4): this {
    return this.bytes(0xbb, ...word32(address), ...sized(width, 0x8a, 0x8b), 0x03, ...sized(width, 0xaa, 0xab));
  }

  /** Halts, with interrupts on, until the word at `address` is `value`; they are off before and after. Uses RBX. */
  haltUntil(address: number, value: number): this {
    const name = `halt ${this.code.length}`;
    return this.jump(`${name}: look`)
      .label(name)
      .sti()
      .hlt()
      .cli()
      .label(`${name}: look`)
      .bytes(0xbb, ...word32(address), 0x66, 0x81, 0x3b, value & 0xff, value >> 8) // cmp word [rbx], value
      .jumpIfNotZero(name);
  }

  /** Looks at the word at `address` until it is `value`. Uses RBX. */
  pollUntil(address: number, value: number): this {
    const name = `poll ${this.code.length}`;
    return this.label(name)
      .bytes(0xf3, 0x90, 0xbb, ...word32(address), 0x66, 0x81, 0x3b, value & 0xff, value >> 8) // pause; cmp word [rbx], value
      .jumpIfNotZero(name);
  }

  /** Does nothing for twice so many instructions. Uses ECX. */
  spin(count: number): this {
    return this.bytes(0xb9, ...word32(count), 0xff, 0xc9, 0x75, 0xfc); // mov ecx, count; dec ecx; jnz
  }

  /** MOV RAX, value; STOSQ */
  keep(value: bigint): this {
    return this.rax(value).bytes(0x48, 0xab);
  }

  rax(value: bigint): this {
    return this.bytes(0x48, 0xb8, ...word64(value));
  }

  /** Uses RAX, RCX and RDX. */
  wrmsr(index: number, value: bigint): this {
    const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
    return this.bytes(0xb9, ...word32(index), 0xb8, ...word32(low), 0xba, ...word32(high), 0x0f, 0x30);
  }

  /** Keeps the 64 bits that it reads. Uses RAX, RCX and RDX. */
  rdmsr(index: number): this {
    return this.bytes(0xb9, ...word32(index), 0x0f, 0x32, 0xab, 0x89, 0xd0, 0xab); // stosd; mov eax, edx; stosd
  }

  sti(): this {
    return this.bytes(0xfb);
  }

  cli(): this {
    return this.bytes(0xfa);
  }

  hlt(): this {
    return this.bytes(0xf4);
  }

  iret(): this {
    return this.bytes(0x48, 0xcf);
  }

  /** The end of most guests: halts for ever, with interrupts on. */
  rest(): this {
    const name = `rest ${this.code.length}`;
    return this.label(name).sti().hlt().jump(name);
  }

  offsetOf(label: string): number {
    const offset = this.labels.get(label);
    if (offset === undefined) throw new Error(`no place is called ${label}`);
    return offset;
  }

  /** The same bytes wherever they lie: all jumps are relative. */
  assemble(): Uint8Array {
    const bytes = Uint8Array.from(this.code);
    const view = new DataView(bytes.buffer);
    for (const { at, label } of this.fixups) view.setInt32(at, this.offsetOf(label) - (at + 4), true);
    return bytes;
  }

  private distanceTo(label: string): this {
    this.fixups.push({ at: this.code.length, label });
    return this.bytes(0, 0, 0, 0);
  }
}

/** The form of an instruction for one byte, or for two or four. */
function sized(width: Width, narrow: number, wide: number): number[] {
  if (width === 1) return [narrow];
  return width === 2 ? [0x66, wide] : [wide];
}

export function word32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}

export function word64(value: bigint): number[] {
  return [...word32(Number(value & 0xffffffffn)), ...word32(Number((value >> 32n) & 0xffffffffn))];
}
