// SPDX-License-Identifier: BSD-2-Clause
/** The routes behind the control socket's server. */
import type { RequestListener, Server } from 'node:http';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { openApi } from './openapi.js';
import { type Input, ROUTES, type Route, saveOrder } from './routes.js';
import { saveStream } from './save-stream.js';
import type { ControlSubject } from './subject.js';

const BODY_MAX = 16 * 1024;

export async function controlApp(server: Server, subject: ControlSubject): Promise<RequestListener> {
  let listener: RequestListener = () => {};
  const app = fastify({
    bodyLimit: BODY_MAX,
    serverFactory: (handler) => {
      listener = handler;
      return server;
    },
    // A member or a type that the schema does not have is a mistake to be told, not to be mended.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  answerErrors(app);
  for (const route of ROUTES) addRoute(app, route, subject);
  app.get('/openapi.json', async () => openApi());
  await app.ready();
  return listener;
}

function addRoute(app: FastifyInstance, route: Route, subject: ControlSubject): void {
  const { method, path: url, query, body } = route;
  app.route({
    method,
    url,
    schema: {
      ...(query !== undefined && { querystring: query }),
      ...(body !== undefined && { body }),
      ...(!('saves' in route) && { response: { 200: route.answer } }),
    },
    preValidation: async (request) => {
      if (body !== undefined) request.body ??= {};
    },
    handler: async (request, reply) => {
      const input = { ...(request.query as Input), ...(request.body as Input | undefined) }; // checked by the schemas
      if (!('saves' in route)) return route.run(subject, input);
      const lines = await saveStream(subject, saveOrder(route.saves, input));
      return reply.type('application/x-ndjson').send(lines);
    },
  });
}

/** The machine's own refusals come as plain errors: it is in no state to do what was asked. */
function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const { statusCode = 409, message } = error;
    return reply.code(statusCode).send({ error: message });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: `${request.method} ${request.url}: no such route; GET /openapi.json lists them` }),
  );
}
