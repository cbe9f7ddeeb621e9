import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { browserTransport, Problem, problemOf } from './transport';

const answers = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();
beforeEach(() => { vi.stubGlobal('fetch', answers); });
afterEach(() => { vi.unstubAllGlobals(); answers.mockReset(); });
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const t = () => browserTransport({ protocol: 'https:', host: 'central:8443' });
const headersOf = (call: number) => answers.mock.calls[call]![1].headers as Record<string, string>;

test('a problem keeps what happened, what it means and what to do', () => {
  const p = problemOf(409, JSON.stringify({ title: 'Changed meanwhile', detail: 'x', what_it_means: 'Recording goes on.', what_to_do: 'Load again.' }), '7');
  expect([p.status, p.title, p.detail, p.meaning, p.remedy, p.retryAfterSeconds]).toEqual([409, 'Changed meanwhile', 'x', 'Recording goes on.', 'Load again.', 7]);
});

test('an answer that is no problem+json still is a problem with its status', () => {
  expect(problemOf(502, '<html>Bad gateway').status).toBe(502);
  expect(problemOf(500, 'null').title).toBe('');
  expect(problemOf(500, '{"title":7}').title).toBe('');
});

test('the csrf token goes with writes and never with reads', async () => {
  answers.mockImplementation(async () => json(200, {}));
  const a = t();
  a.useCsrf('secret');
  await a.ask('GET', '/me');
  await a.ask('POST', '/sign-out');
  expect(headersOf(0)['x-csrf-token']).toBeUndefined();
  expect(headersOf(1)['x-csrf-token']).toBe('secret');
});

test('no answer is a problem of status 0', async () => {
  answers.mockRejectedValue(new TypeError('network'));
  await expect(t().ask('GET', '/me')).rejects.toMatchObject({ status: 0 });
});

test('a 401 brings up the sign-in page, but not when the sign-in itself was refused', async () => {
  answers.mockImplementation(async () => json(401, { title: 'Sign in' }));
  const told = vi.fn();
  const a = t();
  a.onSignedOut(told);
  await expect(a.ask('POST', '/sign-in', { body: {} })).rejects.toBeInstanceOf(Problem);
  expect(told).not.toHaveBeenCalled();
  await expect(a.ask('GET', '/recordings')).rejects.toBeInstanceOf(Problem);
  expect(told).toHaveBeenCalledOnce();
});

test('nothing is ever asked of a cache', async () => {
  answers.mockImplementation(async () => json(200, {}));
  await t().ask('GET', '/recordings');
  expect(answers.mock.calls[0]![1]).toMatchObject({ cache: 'no-store', credentials: 'same-origin', redirect: 'error' });
});

test('a long answer tells its progress', async () => {
  answers.mockResolvedValue(new Response(new Uint8Array(1000), { headers: { 'content-length': '1000', 'content-type': 'application/zip' } }));
  const seen: [number, number | null][] = [];
  const blob = await t().take('POST', '/exports', { body: {} }, (n, of) => seen.push([n, of]));
  expect(blob.size).toBe(1000);
  expect(seen.at(-1)).toEqual([1000, 1000]);
});

test('an answer that is not JSON is a problem, not a crash', async () => {
  answers.mockResolvedValue(new Response('<html>', { status: 200 }));
  await expect(t().ask('GET', '/me')).rejects.toBeInstanceOf(Problem);
});
