// SPDX-License-Identifier: BSD-2-Clause
const MESSAGE_MAX = 1000;
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Texts out of a stranger's file go to terminals: one line, of bounded length, without control characters. */
export function printable(text: string): string {
  const cut = text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX)}...` : text;
  return cut.replace(CONTROL, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
