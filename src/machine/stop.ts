// SPDX-License-Identifier: BSD-2-Clause

/** Why a machine does not run any more. */
export type StopReason =
  | { readonly kind: 'power-off' }
  | { readonly kind: 'reset' }
  /** HLT with interrupts off and nothing that could end it. */
  | { readonly kind: 'halted' }
  | { readonly kind: 'triple-fault' }
  /** The guest wrote this process status to the debug-exit port. */
  | { readonly kind: 'debug-exit'; readonly status: number }
  /** Whoever runs the machine asked for it. */
  | { readonly kind: 'requested' }
  /** It goes on from this snapshot, in another process. */
  | { readonly kind: 'suspended'; readonly snapshot: string }
  | { readonly kind: 'error'; readonly message: string };

/** The first reason to stop; the loop looks at it after every exit. */
export class StopLatch {
  private first: StopReason | null = null;

  get isSet(): boolean {
    return this.first !== null;
  }

  get reason(): StopReason | null {
    return this.first;
  }

  set(reason: StopReason): void {
    this.first ??= reason;
  }

  clear(): void {
    this.first = null;
  }
}
