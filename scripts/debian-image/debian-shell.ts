// SPDX-License-Identifier: BSD-2-Clause
/** The console of a running Debian, as a program that types there sees it. */
import { ROOT_PASSWORD } from './contents.js';

export const PROMPT = 'debian# ';

/** From the login prompt to root's shell. */
export const LOGIN = [
  { after: 'login: ', send: 'root\n' },
  { after: 'Password: ', send: `${ROOT_PASSWORD}\n` },
] as const;

/** Without its console for as long as the image lets systemd wait, there is no login prompt for it either. */
const GAVE_UP = 'Timed out waiting for device';

export interface Terminal {
  /** All output so far. */
  output(): string;
  type(text: string): void;
  /** Resolves once `isThere`; looked at when there is new output. */
  until(isThere: () => boolean): Promise<void>;
}

export class DebianShell {
  /** How much of the output has been used up. */
  private seen = 0;

  constructor(private readonly terminal: Terminal) {}

  /** Waits for a text and answers what came before it. */
  async expect(text: string): Promise<string> {
    const found = (): number => this.text().indexOf(text, this.seen);
    await this.terminal.until(() => found() >= 0);
    const at = found();
    const before = this.text().slice(this.seen, at);
    this.seen = at + text.length;
    return before;
  }

  /** From the login prompt of a booted system to a shell whose answers are easily read. */
  async login(): Promise<void> {
    await this.terminal.until(() => this.text().includes(LOGIN[0].after) || this.text().includes(GAVE_UP));
    if (this.text().includes(GAVE_UP)) throw new Error(`the host is too slow for systemd: ${GAVE_UP}`);
    for (const { after, send } of LOGIN) {
      await this.expect(after);
      this.terminal.type(send);
    }
    await this.expect('# ');
    await this.plain();
  }

  /** From any prompt of a shell. Quotes keep the prompt out of the echo. */
  async plain(): Promise<void> {
    this.terminal.type("stty -echo; export TERM=dumb; dmesg -n 1; exec env PS1='debi''an# ' sh\n");
    await this.expect(PROMPT);
  }

  /** What a command prints. */
  async ask(command: string): Promise<string> {
    this.terminal.type(`${command}\n`);
    return (await this.expect(PROMPT)).trimEnd();
  }

  private text(): string {
    return this.terminal.output().replaceAll('\r', '');
  }
}
