// SPDX-License-Identifier: BSD-2-Clause

/** The guest's end of a serial line. Both directions are bounded: what is not taken waits where it is. */
export interface GuestLine {
  /** Removes and returns what the guest sent; empty if there is nothing. */
  takeOutput(): Uint8Array;
  /** Types bytes; returns how many of them there was room for. */
  offerInput(bytes: Uint8Array): number;
  /** For lines that tell the guest: somebody has come to the host's end, or has left it. */
  attached?(isAttached: boolean): void;
  /** For lines that tell the guest: the terminal at the host's end has this size. */
  resized?(columns: number, rows: number): void;
}

/** The host's end: a terminal, a socket, a serial port. */
export interface ConsoleBackend {
  /** Where a person finds it, such as `/dev/pts/3`. */
  readonly place: string;
  /** The guest sent something: call it at every opportunity, it takes what it can use. */
  outputReady(): void;
  /** The guest has room for input again. */
  inputRoom(): void;
  /** Takes no more input: it stays where it is, as far as that is possible. Resolves to what the guest has not got yet. */
  holdInput(): Promise<Uint8Array>;
  /** Takes input again, first of all what came meanwhile. */
  releaseInput(): void;
  /** Bytes that had to be taken while input is held, and that nobody will get if the process ends now. */
  readonly lateInput: number;
  /** Writes what is left of the output, gives the terminal back as it was, removes sockets. Later calls do nothing. */
  close(): Promise<void>;
}
