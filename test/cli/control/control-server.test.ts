// SPDX-License-Identifier: BSD-2-Clause
import { statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { until } from '../../host/support/fake-line.js';
import { type FakeControl, fakeControl, SAVED } from '../support/fake-control.js';

interface Answer {
  readonly status: number | undefined;
  readonly json: unknown;
}

function send(control: FakeControl, method: string, path: string, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request({ socketPath: control.folder.paths.control, method, path, headers, agent: false }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

async function text(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function ask(control: FakeControl, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await send(control, method, path, body === undefined ? undefined : JSON.stringify(body));
  return { status: response.statusCode, json: JSON.parse(await text(response)) };
}

async function saveLines(control: FakeControl, path: string, body: unknown): Promise<unknown[]> {
  const lines = (await text(await send(control, 'POST', path, JSON.stringify(body)))).trimEnd();
  return lines.split('\n').map((line) => JSON.parse(line));
}

test('only the owner may connect', async () => {
  const control = await fakeControl();
  expect(statSync(control.folder.paths.control).mode & 0o777).toBe(0o600);
});

test('status keeps every bit of large numbers', async () => {
  const control = await fakeControl();
  expect(await ask(control, 'GET', '/status')).toEqual({
    status: 200,
    json: {
      name: 'web',
      pid: process.pid,
      state: 'running',
      saving: null,
      time: String(2n ** 60n),
      instructions: '7',
      memory: 256 * 1024 * 1024,
      engine: 'soft',
      clock: 'real',
      store: '/store',
      resumed: null,
    },
  });
});

test('registers come by group, in hex', async () => {
  const control = await fakeControl();
  control.answers.processor = {
    control: { cr0: 0x11n },
    lapic: { request: [1n, 2n] },
    xsave: { area: Buffer.of(1, 0xff) },
  };
  expect(await ask(control, 'GET', '/registers?groups=control,lapic,xsave')).toEqual({
    status: 200,
    json: {
      control: { cr0: '0x0000000000000011' },
      lapic: { request: ['0x0000000000000001', '0x0000000000000002'] },
      xsave: { area: '01ff' },
    },
  });
  expect(control.asked).toEqual(['processor control,lapic,xsave 0']);
});

test.each([
  ['/pause', 'pause', {}],
  ['/resume', 'resume', {}],
  ['/power-off', 'powerOff', {}],
  ['/reset', 'powerOffToReset', {}],
  ['/nmi', 'injectNmi', {}],
  ['/power-button', 'pressPowerButton', { listens: true }],
])('POST %s asks the machine for %s', async (path, command, json) => {
  const control = await fakeControl();
  control.answers[command] = true;
  expect(await ask(control, 'POST', path)).toEqual({ status: 200, json });
  expect(control.asked).toEqual([command]);
});

test('POST /cancel ends the save that is on its way, if there is one', async () => {
  const control = await fakeControl();
  expect(await ask(control, 'POST', '/cancel')).toEqual({ status: 200, json: { cancelled: false } });
  expect(control.asked).toEqual([]);
  const suspending = ask(control, 'POST', '/suspend', {});
  await until(() => control.saves.length === 1);
  control.answers.cancelSave = () => {
    control.saves[0]?.fail(new Error('cancelled'));
    return true;
  };
  expect(await ask(control, 'POST', '/cancel')).toEqual({ status: 200, json: { cancelled: true } });
  expect(await suspending).toEqual({ status: 409, json: { error: 'suspend cancelled; the VM runs on' } });
});

test('a refusal of the machine is one sentence with status 409', async () => {
  const control = await fakeControl();
  control.answers.pause = () => {
    throw new Error('cannot pause a machine that is stopped');
  };
  expect(await ask(control, 'POST', '/pause')).toEqual({
    status: 409,
    json: { error: 'cannot pause a machine that is stopped' },
  });
});

test.each<[string, string, unknown, number, RegExp]>([
  ['GET', '/nothing', undefined, 404, /^GET \/nothing: no such route; GET \/openapi.json lists them$/],
  ['POST', '/status', undefined, 404, /no such route/],
  ['GET', '/registers', undefined, 400, /groups/],
  ['GET', '/registers?groups=control,all', undefined, 400, /groups/],
  ['POST', '/snapshot', { name: 7 }, 400, /name/],
  ['POST', '/snapshot', { nmae: 'typo' }, 400, /additional properties/],
  ['POST', '/suspend', { live: true }, 400, /additional properties/],
  ['POST', '/suspend', { store: 'relative' }, 400, /store/],
])('%s %s with %j is refused', async (method, path, body, status, error) => {
  const control = await fakeControl();
  expect(await ask(control, method, path, body)).toEqual({ status, json: { error: expect.stringMatching(error) } });
  expect(control.saves).toHaveLength(0);
});

test('a body that is too large is not read', async () => {
  const control = await fakeControl();
  const answer = await ask(control, 'POST', '/suspend', { name: 'x'.repeat(20_000) });
  expect(answer).toEqual({ status: 413, json: { error: expect.stringMatching(/too large/) } });
});

test('a save tells how far it is, and answers when it is durable', async () => {
  const control = await fakeControl();
  const lines = saveLines(control, '/snapshot', { name: 'web-1', parent: 'web-0', live: false });
  await until(() => control.saves.length === 1);
  const [save] = control.saves;
  expect(save?.order).toEqual({ kind: 'snapshot', name: 'web-1', parent: 'web-0', live: false });
  save?.progress(10, 100);
  save?.end(SAVED);
  expect(await lines).toEqual([{ progress: { done: 10, total: 100 } }, { result: { store: '/store', ...SAVED } }]);
  expect((await ask(control, 'GET', '/status')).json).toMatchObject({ saving: null });
});

test('a second save is refused while one runs, and everything else is answered', async () => {
  const control = await fakeControl();
  const first = saveLines(control, '/suspend', { store: '/other' });
  await until(() => control.saves.length === 1);
  const refusal = { status: 409, json: { error: 'a suspend is on its way' } };
  expect(await ask(control, 'POST', '/snapshot', {})).toEqual(refusal);
  expect(await ask(control, 'POST', '/nmi')).toEqual(refusal);
  expect((await ask(control, 'GET', '/status')).json).toMatchObject({ saving: 'suspend' });
  control.saves[0]?.end(SAVED);
  expect(await first).toEqual([{ result: { ...SAVED, store: '/other' } }]);
  control.answers.stats = {
    time: 1n,
    instructions: 2n,
    memory: 3,
    vcpus: [{ instructions: 2n, exits: { Hlt: 4 }, engine: { regions: 5 } }],
    balloon: null,
  };
  expect((await ask(control, 'GET', '/stats')).json).toMatchObject({
    saves: 1,
    vcpus: [{ instructions: '2', exits: { Hlt: 4 }, engine: { regions: 5 } }],
    lastSave: { name: 'web-1' },
  });
});

test('a guest with a balloon is asked about its memory first', async () => {
  const control = await fakeControl();
  let looks = 0;
  const machine = { time: 1n, instructions: 2n, memory: 3, vcpus: [] };
  const balloon = (guestTime: bigint | null) => ({ target: 8192, actual: 4096, guestTime, guest: { free: 2n ** 60n } });
  control.answers.stats = () => {
    looks += 1;
    return { ...machine, balloon: balloon(looks > 3 ? 5n : null) };
  };
  control.answers.refreshBalloon = true;
  const guest = { free: '1152921504606846976' };
  expect((await ask(control, 'GET', '/stats')).json).toMatchObject({
    balloon: { target: 8192, actual: 4096, guestTime: '5', guest },
  });
  expect(control.asked).toEqual(['stats', 'refreshBalloon', 'stats', 'stats', 'stats']);
  control.answers.refreshBalloon = false;
  await ask(control, 'GET', '/stats');
  expect(control.asked.slice(5)).toEqual(['stats', 'refreshBalloon']);
});

test('a save can be cancelled', async () => {
  const control = await fakeControl();
  const refused = ask(control, 'POST', '/snapshot', {});
  await until(() => control.saves.length === 1);
  control.answers.cancelSave = () => {
    control.saves[0]?.fail(new Error('cancelled; the VM runs on'));
    return true;
  };
  expect((await ask(control, 'POST', '/cancel')).json).toEqual({ cancelled: true });
  expect(await refused).toEqual({ status: 409, json: { error: expect.stringContaining('cancelled') } });
  control.answers.cancelSave = false;
  expect((await ask(control, 'POST', '/cancel')).json).toEqual({ cancelled: false });
});

test('a save that fails is an error, with a status while that is still possible', async () => {
  const control = await fakeControl();
  const refused = ask(control, 'POST', '/snapshot', {});
  await until(() => control.saves.length === 1);
  control.saves[0]?.fail(new Error('web-1: there is a snapshot of this name'));
  expect(await refused).toEqual({ status: 409, json: { error: 'web-1: there is a snapshot of this name' } });

  const failed = saveLines(control, '/snapshot', {});
  await until(() => control.saves.length === 2);
  control.saves[1]?.progress(1, 2);
  control.saves[1]?.fail(new Error('web-1/ram: no space left; the VM runs on'));
  expect(await failed).toEqual([
    { progress: { done: 1, total: 2 } },
    { error: 'web-1/ram: no space left; the VM runs on' },
  ]);
});

test('whoever asked may stop to read: progress is left out, the result is not', async () => {
  const control = await fakeControl();
  const response = send(control, 'POST', '/snapshot', '{}');
  await until(() => control.saves.length === 1);
  for (let done = 0; done < 100_000; done += 1) control.saves[0]?.progress(done, 100_000);
  control.saves[0]?.end(SAVED);
  const lines = (await text(await response)).trimEnd().split('\n');
  expect(lines.length).toBeLessThan(10_000);
  expect(JSON.parse(lines.at(-1) ?? '')).toEqual({ result: { store: '/store', ...SAVED } });
});

test('whoever asked may go away: the save goes on', async () => {
  const control = await fakeControl();
  const response = send(control, 'POST', '/snapshot', '{}');
  await until(() => control.saves.length === 1);
  control.saves[0]?.progress(1, 2);
  const { socket } = await response;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  control.saves[0]?.progress(1, 2);
  expect((await ask(control, 'GET', '/status')).json).toMatchObject({ saving: 'snapshot' });
  control.saves[0]?.end(SAVED);
  expect((await ask(control, 'GET', '/status')).json).toMatchObject({ saving: null });
});

test('at the end of the VM answers on their way still get out, and nobody can hold it up', async () => {
  const control = await fakeControl();
  const lines = saveLines(control, '/suspend', {});
  const idle = connect(control.folder.paths.control);
  const ended = new Promise((resolve) => idle.on('close', resolve).resume());
  await until(() => control.saves.length === 1);
  const closed = control.close();
  control.saves[0]?.end(SAVED);
  expect(await lines).toEqual([{ result: { store: '/store', ...SAVED } }]);
  await closed;
  await ended;
});

test('the OpenAPI document has every route with its schemas', async () => {
  const control = await fakeControl();
  const { json } = await ask(control, 'GET', '/openapi.json');
  const { openapi, paths } = json as { openapi: string; paths: Record<string, Record<string, unknown>> };
  expect(openapi).toBe('3.0.3');
  expect(Object.entries(paths).map(([path, methods]) => `${Object.keys(methods).join()} ${path}`)).toEqual([
    'get /status',
    'get /stats',
    'get /registers',
    'get /consoles',
    'post /pause',
    'post /resume',
    'post /suspend',
    'post /snapshot',
    'post /cancel',
    'post /power-button',
    'post /balloon',
    'post /power-off',
    'post /reset',
    'post /nmi',
  ]);
  expect(paths['/suspend']?.post).toMatchObject({
    requestBody: { content: { 'application/json': { schema: { properties: { name: { maxLength: 64 } } } } } },
    responses: { 200: { content: { 'application/x-ndjson': {} } } },
  });
});
