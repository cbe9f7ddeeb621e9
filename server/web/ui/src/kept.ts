// The few choices that outlive a page: language, theme, volume. Never anything about a call or a person.
const PREFIX = 'amethyst.';

/** Returns a kept choice; null when there is none or the browser keeps nothing. */
export function kept(name: string): string | null {
  try { return localStorage.getItem(PREFIX + name); } catch { return null; }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // A browser that keeps nothing is no error: the choice lasts as long as the page.
  }
}
