// SPDX-License-Identifier: BSD-2-Clause
/** What the comment at the head of a device's file says, by the conventions of this repository. */
export interface DeviceHeader {
  /** Its first sentence. */
  readonly summary: string;
  /** Citation keys, as in docs/specs.md. */
  readonly specs: readonly string[];
  readonly notModelled: string;
}

const CITATION = /\b([A-Z][A-Z0-9]+(?:-[A-Z0-9.]*[A-Z0-9])*) = /g;
/** A key whose title was given in another file. */
const KNOWN_CITATION = /Reference: ([A-Z][A-Z0-9]+(?:-[A-Z0-9.]*[A-Z0-9])*)[ ,]/g;

export function deviceHeader(source: string): DeviceHeader {
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  const text = comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  const specs = [CITATION, KNOWN_CITATION].flatMap((pattern) => [...text.matchAll(pattern)].map(([, key = '']) => key));
  return {
    summary: firstSentence(text.replace(/ (Reference|Interface as in)\b.*/, '')),
    specs: [...new Set(specs)],
    notModelled: firstSentence(/Not modelled: (.*)/.exec(text)?.[1] ?? ''),
  };
}

function firstSentence(text: string): string {
  const [, sentence = text] = /^(.*?)[.:](?: [A-Z].*)?$/.exec(text) ?? [];
  return sentence;
}
