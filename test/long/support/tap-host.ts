// SPDX-License-Identifier: BSD-2-Clause
/** A tap of the host's with an address, which stays when the machine behind it goes. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Only root can make one. */
export const canTap = process.getuid?.() === 0 && existsSync('/dev/net/tun');

export class TapHost {
  /** Addresses of the host and of its guest. */
  readonly host: string;
  readonly guest: string;

  /** `subnet`: the third byte of its addresses. */
  constructor(
    readonly name: string,
    subnet: number,
  ) {
    this.host = `10.99.${subnet}.1`;
    this.guest = `10.99.${subnet}.2`;
    ip('tuntap', 'add', name, 'mode', 'tap');
    ip('addr', 'add', `${this.host}/24`, 'dev', name);
    ip('link', 'set', name, 'up');
  }

  close(): void {
    ip('link', 'del', this.name);
  }
}

export function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8' });
}
