// How a call's account ended, in words: the server writes `recorded`, `partly(crash)` or `not recorded(rule)`.
import { t, words } from './words.svelte';

/** Splits an end into its class and its reason. */
export function readEnd(end: string): { kind: 'recorded' | 'partly' | 'not-recorded' | 'open'; why: string } {
  const match = /^(recorded|partly|not[ _-]recorded)(?:\(([^)]*)\))?$/.exec(end);
  if (!match) return { kind: 'open', why: '' };
  return { kind: match[1] === 'recorded' ? 'recorded' : match[1] === 'partly' ? 'partly' : 'not-recorded', why: match[2] ?? '' };
}

export function whyText(kind: string, why: string): string {
  for (const key of [`why-${kind}-${why}`, `why-${why}`]) if (words.knows(key)) return t(key);
  return why.replaceAll('-', ' ');
}

export function endText(end: string): string {
  const { kind, why } = readEnd(end);
  return why ? `${t(`end-${kind}`)}: ${whyText(kind, why)}` : t(`end-${kind}`);
}
