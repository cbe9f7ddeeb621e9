// The archive's notices, as every page shows them: kept fresh for whoever may see the archive, and asked for at once after something was done.
import { api, app } from '../app.svelte';
import type { ArchiveNotice } from '../api';

const EVERY_MS = 60_000;

class Told {
  list: ArchiveNotice[] = $state.raw([]);

  async load(): Promise<void> {
    // A bell that cannot ring just now is no reason to trouble anybody: the page says what is wrong.
    try { if (app.me && app.may('archive')) this.list = (await api.archiveNotices()).notices; } catch { /* the next time */ }
  }

  /** Keeps looking; returns what ends it. */
  follow(): () => void {
    void this.load();
    const timer = setInterval(() => { if (!document.hidden) void this.load(); }, EVERY_MS);
    return () => clearInterval(timer);
  }

  async seen(of: ArchiveNotice): Promise<void> {
    await app.attempt(() => api.noticeSeen(of.key));
    await this.load();
  }
}

export const told = new Told();
