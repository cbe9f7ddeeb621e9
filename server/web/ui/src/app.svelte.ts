// What the whole console shares: who is signed in, the server, the notices at the edge, the theme. One instance, `app`.
import { apiOf, type Me } from './api';
import { keep, kept } from './kept';
import { browserTransport, Problem } from './transport';
import { route } from './route.svelte';
import { t, words, type Language, LANGUAGES } from './words.svelte';

export type Theme = 'system' | 'light' | 'dark';
export type Told = { title: string; meaning: string; remedy: string; detail: string };
export type Notice = { key: number; text: string; told?: Told; undo?: () => unknown };

const transport = browserTransport();
export const api = apiOf(transport);

/** What must be let go before nobody is signed in: sound, streams, blobs. */
const lettingGo = new Set<() => void>();

class App {
  me: Me | null = $state.raw(null);
  /** False until the first GET /me was answered. */
  ready = $state(false);
  /** Why the sign-in page came up, if not by the person's own wish. */
  ended: 'idle' | 'server' | null = $state(null);
  notices: Notice[] = $state([]);
  theme: Theme = $state('system');
  help = $state(false);
  singleKeys = $state(kept('keys') !== 'off');
  /** True while a running call is listened to. */
  listening = $state(false);
  /** What a screen reader is told politely. */
  spoken = $state('');
  private nextKey = 1;

  may(act: string): boolean { return this.me?.permissions.includes(act) ?? false; }

  async begin(): Promise<void> {
    this.useTheme((kept('theme') as Theme | null) ?? 'system');
    transport.onSignedOut(() => { if (this.me) this.signedOut('server'); });
    await words.begin();
    const why = route.now.query.get('why');
    if (why === 'idle' || why === 'server') this.ended = why;
    await this.load();
    this.ready = true;
  }

  /** Asks who is signed in; false when nobody is. Other failures are thrown. */
  async load(): Promise<boolean> {
    try {
      const me = await api.me();
      transport.useCsrf(me.csrf);
      this.me = me;
      this.ended = null;
      if (me.user.locale && me.user.locale in LANGUAGES && me.user.locale !== words.language) await words.use(me.user.locale as Language);
      return true;
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) return false;
      this.tell(error);
      return false;
    }
  }

  useTheme(theme: Theme): void {
    this.theme = theme;
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    keep('theme', theme === 'system' ? null : theme);
  }

  useSingleKeys(on: boolean): void {
    this.singleKeys = on;
    keep('keys', on ? null : 'off');
  }

  /** Has `letGo` called before a signed-out page is shown; returns what takes that back. */
  onLetGo(letGo: () => void): () => void {
    lettingGo.add(letGo);
    return () => { lettingGo.delete(letGo); };
  }

  signedOut(why: 'idle' | 'server' | null): void {
    for (const letGo of [...lettingGo]) letGo();
    const back = location.pathname + location.search + location.hash;
    this.me = null;
    this.notices = [];
    this.help = false;
    this.ended = why;
    transport.useCsrf(null);
    // Another document, which the server has the browser load into another process: what was heard goes with the memory of this one.
    location.replace(why ? `/sign-in?${new URLSearchParams({ why, back })}` : '/sign-in');
  }

  async signOut(why: 'idle' | null = null): Promise<void> {
    // Sound is let go first: whatever the server answers, nothing is left to hear.
    for (const letGo of [...lettingGo]) letGo();
    try {
      await api.signOut();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) { this.tell(error); return; }
    }
    // The server had the browser clear its storage, and these two choices hold nothing of anybody.
    this.useTheme(this.theme);
    keep('language', words.language);
    this.signedOut(why);
  }

  say(text: string, undo?: () => unknown): void {
    const notice: Notice = { key: this.nextKey++, text, ...(undo && { undo }) };
    this.notices.push(notice);
    // A notice that can be undone stays longer, and none goes while it has the focus or the pointer (see Notices.svelte).
    setTimeout(() => this.drop(notice.key), undo ? 20_000 : 6_000);
  }

  /** Tells a failure, and stays until it is closed. */
  tell(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    const told = toldOf(error);
    if (this.notices.some((n) => n.told?.title === told.title && n.told.detail === told.detail)) return;
    this.notices.push({ key: this.nextKey++, text: told.title, told });
  }

  drop(key: number): void {
    if (document.querySelector(`[data-notice="${key}"]`)?.matches(':hover, :focus-within')) {
      setTimeout(() => this.drop(key), 3_000);
      return;
    }
    this.close(key);
  }

  close(key: number): void { this.notices = this.notices.filter((n) => n.key !== key); }

  /** Runs something that may fail; failures are told, and null comes back. */
  async attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try { return await work(); } catch (error) { this.tell(error); return null; }
  }
}

export const app = new App();

/** Puts a failure into three sentences; what the server said itself always wins. */
export function toldOf(error: unknown): Told {
  if (!(error instanceof Problem)) return { title: t('problem-console'), meaning: t('problem-console-meaning'), remedy: t('problem-console-remedy'), detail: String(error) };
  const kind = error.status === 0 ? 'silent' : [401, 403, 404, 409, 412, 413, 422, 429, 503].includes(error.status) ? String(error.status) : error.status >= 500 ? '500' : '400';
  // The server speaks English: in another language the catalogue's words stand first, and what the server adds follows.
  const own = words.language !== 'en';
  return {
    title: (!own && error.title) || t(`problem-${kind}`),
    meaning: (!own && error.meaning) || t(`problem-${kind}-meaning`),
    remedy: (!own && error.remedy) || t(`problem-${kind}-remedy`),
    detail: error.detail,
  };
}
