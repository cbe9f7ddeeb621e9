// The one seam between the console and whatever carries its requests. Here: same-origin fetch with the session's cookie.
//
// Nothing else in the console names fetch, EventSource or WebSocket. Every failure comes out as a `Problem`, which says what happened,
// what it means for the recordings and what to do.

export const API = '/api/v1';

/** What went wrong, in words for the person before the screen. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    /** HTTP status; 0 when no answer came at all. */
    readonly status: number,
    readonly title: string,
    readonly detail = '',
    readonly meaning = '',
    readonly remedy = '',
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

/** Makes a `Problem` of an answer's body, whatever it is. */
export function problemOf(status: number, text: string, retryAfter: string | null = null): Problem {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  try {
    const body: unknown = JSON.parse(text);
    if (body && typeof body === 'object') {
      const field = (name: string) => {
        const value = (body as Record<string, unknown>)[name];
        return typeof value === 'string' ? value : '';
      };
      return new Problem(status, field('title'), field('detail'), field('what_it_means'), field('what_to_do'), seconds);
    }
  } catch {
    // Not JSON: a proxy's page, or nothing. The status has to do.
  }
  return new Problem(status, '', '', '', '', seconds);
}

export type Ask = { body?: unknown; signal?: AbortSignal; headers?: Record<string, string> };
export type Answer<T> = { value: T; headers: Headers };

export interface Transport {
  readonly shell: 'browser';
  /** Sends the token of GET /me with every write from now on; null forgets it. */
  useCsrf(token: string | null): void;
  /** Is told of every 401, so that the sign-in page can come up. */
  onSignedOut(told: (() => void) | null): void;
  ask<T>(method: string, path: string, ask?: Ask): Promise<Answer<T>>;
  bytes(path: string, signal?: AbortSignal): Promise<ArrayBuffer>;
  /** Takes a long answer as a blob; `progress` hears the bytes so far and the whole, if it is known. */
  take(method: string, path: string, ask: Ask, progress: (bytes: number, of: number | null) => void): Promise<Blob>;
  /** Address for an `<audio>` element or a download link. */
  url(path: string): string;
  events(path: string): EventSource;
  socket(path: string): WebSocket;
}

/** Speaks to the server that the page came from. */
export function browserTransport(base: Pick<Location, 'protocol' | 'host'> = location): Transport {
  let csrf: string | null = null;
  let signedOut: (() => void) | null = null;

  async function send(method: string, path: string, { body, signal, headers }: Ask): Promise<Response> {
    const all: Record<string, string> = { accept: 'application/json, application/problem+json, */*;q=0.1', ...headers };
    if (body !== undefined) all['content-type'] = 'application/json';
    if (csrf && method !== 'GET') all['x-csrf-token'] = csrf;
    let response: Response;
    try {
      response = await fetch(API + path, {
        method, headers: all, signal: signal ?? null, credentials: 'same-origin', cache: 'no-store', redirect: 'error',
        body: body === undefined ? null : JSON.stringify(body),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new Problem(0, '');
    }
    if (response.ok) return response;
    const problem = problemOf(response.status, await response.text().catch(() => ''), response.headers.get('retry-after'));
    if (response.status === 401 && !path.startsWith('/sign-in')) signedOut?.();
    throw problem;
  }

  return {
    shell: 'browser',
    useCsrf(token) { csrf = token; },
    onSignedOut(told) { signedOut = told; },
    async ask<T>(method: string, path: string, ask: Ask = {}) {
      const response = await send(method, path, ask);
      const text = await response.text();
      try {
        return { value: (text ? JSON.parse(text) : null) as T, headers: response.headers };
      } catch {
        throw new Problem(response.status, '', `${method} ${path} was answered by something that is not JSON`);
      }
    },
    async bytes(path, signal) {
      const response = await send('GET', path, { ...(signal && { signal }), headers: { accept: 'application/octet-stream, application/problem+json' } });
      return response.arrayBuffer();
    },
    async take(method, path, ask, progress) {
      const response = await send(method, path, ask);
      const length = response.headers.get('content-length');
      const whole = length === null ? null : Number(length);
      const kind = response.headers.get('content-type') ?? 'application/octet-stream';
      if (!response.body) return response.blob();
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      let bytes = 0;
      const reader = response.body.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          pieces.push(value);
          bytes += value.byteLength;
          progress(bytes, whole);
        }
      } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw new Problem(0, '', `the answer broke off after ${bytes} bytes`);
      }
      return new Blob(pieces, { type: kind });
    },
    url: (path) => API + path,
    events: (path) => new EventSource(API + path),
    socket: (path) => new WebSocket(`${base.protocol === 'https:' ? 'wss' : 'ws'}://${base.host}${API}${path}`),
  };
}
