// SPDX-License-Identifier: BSD-2-Clause
/** The OpenAPI document of the control socket, from the table of its routes. */
import { ROUTES, type Route } from './routes.js';
import { object, type Schema, text } from './schema.js';

const ERROR = object({ error: text('one sentence') });
const LINES = 'application/x-ndjson';

export function openApi(): unknown {
  const paths = Object.fromEntries(
    ROUTES.map((route) => [route.path, { [route.method.toLowerCase()]: operation(route) }]),
  );
  return {
    openapi: '3.0.3',
    info: {
      title: 'tsbhyve control socket',
      version: '0',
      description: 'HTTP over the socket `control` in the run folder of a VM.',
    },
    paths,
  };
}

function operation(route: Route): unknown {
  const { about, query, body } = route;
  return {
    summary: about,
    ...(query !== undefined && { parameters: parameters(query) }),
    ...(body !== undefined && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: { description: 'done', content: answer(route) },
      default: { description: 'refused, or failed', content: { 'application/json': { schema: ERROR } } },
    },
  };
}

function parameters({ properties = {}, required = [] }: Schema): unknown[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function answer(route: Route): unknown {
  if (!('saves' in route)) return { 'application/json': { schema: route.answer } };
  const progress = object({ done: { type: 'integer' }, total: { type: 'integer' } });
  const line = object({ progress, result: route.answer, error: text('one sentence') }, ['progress', 'result', 'error']);
  return { [LINES]: { schema: { ...line, description: 'each line; the last one has `result` or `error`' } } };
}
