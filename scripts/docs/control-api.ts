// SPDX-License-Identifier: BSD-2-Clause
/** Writes docs/control-api.md from the table of routes. */
import { ROUTES, type Route } from '../../src/cli/control/routes.js';
import type { Schema } from '../../src/cli/control/schema.js';

const INTRODUCTION = `# The control socket

A running VM answers HTTP on the socket \`control\` in its run folder, \`$TSBHYVE_RUN/NAME\` (root: \`/var/run/tsbhyve/NAME\`; others: \`$XDG_RUNTIME_DIR/tsbhyve/NAME\`, else \`tsbhyve-UID/NAME\` in the folder for temporary files). Only its owner may connect. \`tsbhyvectl\`
asks nothing that is not here:

\`\`\`
curl --unix-socket /var/run/tsbhyve/web/control http://vm/status
curl --unix-socket /var/run/tsbhyve/web/control http://vm/snapshot --json '{"name":"before-upgrade"}'
\`\`\`

- Bodies and answers are JSON. 64-bit numbers are texts, decimal or with 0x, because JSON readers lose bits above 2^53. A member that a route does not know is refused.
- What is refused or fails is \`{"error":"one sentence"}\` with status 400 (a mistake in the request), 404, 413, or 409 (the VM is in no state for it, or it failed).
- A save answers with lines of JSON (\`application/x-ndjson\`): any number of \`{"progress":{"done","total"}}\` in bytes, then one \`{"result":...}\` once the snapshot is durable, or one \`{"error":...}\`. Refused at once, it is an error with a status as above.
  It goes on when the client goes away. One save runs at a time; everything else is answered meanwhile.
- \`GET /openapi.json\` is the same table for programs.

`;

export function controlApi(): string {
  return `${INTRODUCTION}${ROUTES.map(section).join('\n')}`;
}

function section(route: Route): string {
  const { method, path, about, query, body, answer } = route;
  const isEmpty = answer.additionalProperties === false && Object.keys(answer.properties ?? {}).length === 0;
  const takes = query ?? body;
  return [
    `## ${method} ${path}\n\n${about}\n`,
    ...(takes === undefined ? [] : [`${query === undefined ? 'Body' : 'Query'}:\n\n${table(takes)}`]),
    ...(isEmpty ? [] : [`${'saves' in route ? 'Result' : 'Answer'}:${answerText(answer)}`]),
  ].join('\n');
}

function answerText(answer: Schema): string {
  return answer.properties === undefined ? ` ${answer.description ?? ''}.\n` : `\n\n${table(answer)}`;
}

function table(schema: Schema): string {
  const rows = members(schema, '').map(([name, type, about]) => `| \`${name}\` | ${type} | ${about} |\n`);
  return `| member | type | meaning |\n| ------ | ---- | ------- |\n${rows.join('')}`;
}

function members(schema: Schema, prefix: string): [string, string, string][] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const type = [
      member.type,
      ...(required.includes(name) ? [] : ['optional']),
      ...(member.nullable ? ['or null'] : []),
    ];
    const inner = member.items ?? member;
    const below = members(inner, `${path}${member.items === undefined ? '' : '[]'}.`);
    const about = [member.description ?? '', ...(member.enum === undefined ? [] : [member.enum.join(', ')])];
    return [[path, type.join(', '), about.filter((text) => text !== '').join(': ')], ...below];
  });
}
