// Addresses of the console: which page, which part of it, which filters, which moment. Pure; `route.svelte.ts` holds the current one.

export const PAGES = ['recordings', 'live', 'ledger', 'audit', 'archive', 'keeping', 'satellites', 'settings', 'account', 'about', 'start', 'sign-in'] as const;
export type Page = (typeof PAGES)[number];
export type Address = { page: Page | 'unknown'; part: string; query: URLSearchParams; hash: string };

/** Reads an address; `/` is the recordings page. */
export function readAddress(url: Pick<URL, 'pathname' | 'search' | 'hash'>): Address {
  const [first = '', ...rest] = url.pathname.split('/').filter(Boolean);
  const page = first === '' ? 'recordings' : PAGES.find((p) => p === first) ?? (first === 'link' ? 'sign-in' : 'unknown');
  return { page, part: rest.map(decode).join('/'), query: new URLSearchParams(url.search), hash: decode(url.hash.replace(/^#/, '')) };
}

function decode(text: string): string {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** Writes an address; empty values are left out, so that the shortest form wins. */
export function writeAddress(page: Page, part = '', query: URLSearchParams | Record<string, string | null | undefined> = {}, hash = ''): string {
  const kept = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query)) if (value) kept.append(name, value);
  const text = kept.toString();
  return `/${page}${part ? `/${part.split('/').map(encodeURIComponent).join('/')}` : ''}${text ? `?${text}` : ''}${hash ? `#${hash}` : ''}`;
}

/** Finds the token of a one-time link: `/sign-in#token`, `#link=token`, `?link=token`, `/link/token` and `/sign-in/token` are all understood. */
export function linkToken(address: Address): string | null {
  if (address.page !== 'sign-in') return null;
  const named = new URLSearchParams(address.hash);
  const found = named.get('link') ?? named.get('token') ?? address.query.get('link') ?? address.query.get('token')
    ?? (/^[\w~.-]{16,}$/.test(address.hash) ? address.hash : null) ?? (/^[\w~.-]{16,}$/.test(address.part) ? address.part : null);
  return found || null;
}

/** Reads a moment out of `t=83.5`, `t=1:23` or `t=1:02:03`; null when there is none. */
export function momentOf(hash: string): number | null {
  const text = new URLSearchParams(hash).get('t');
  if (!text || !/^\d+(\.\d+)?$|^\d+(:\d{1,2}){1,2}(\.\d+)?$/.test(text)) return null;
  return text.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

/** Where to go after signing in: only a path of this very console, never elsewhere. */
export function safeReturn(path: string | null): string {
  if (!path || !/^\/[^/\\]/.test(path) || /^\/(sign-in|link)\b/.test(path)) return '/recordings';
  return path;
}
