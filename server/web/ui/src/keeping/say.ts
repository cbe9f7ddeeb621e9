// How long calls are kept, in words: which messages of the catalogue, and with what. Pure; the page says them.
import type { KeepingChange, Which } from '../api';

/** A condition: the end of its message's name, and what it names. */
export type Condition = { key: 'extensions' | 'taps' | 'number' | 'tag' | 'since' | 'until'; value: string };

/** The conditions of a rule, in the order in which people say them; none means every call. */
export function conditionsOf(which: Which): Condition[] {
  const all: [Condition['key'], string][] = [
    ['extensions', which.extensions.join(', ')], ['taps', which.taps.join(', ')], ['number', which.number ?? ''], ['tag', which.tag ?? ''], ['since', which.since ?? ''], ['until', which.until ?? ''],
  ];
  return all.filter(([, value]) => value !== '').map(([key, value]) => ({ key, value }));
}

/** Days as people count them: whole years where they come out even (365 or 366 a year), else days. */
export function daysOf(days: number): { unit: 'years' | 'days'; n: number } {
  const years = Math.round(days / 365.25);
  return years > 0 && (days === Math.ceil(years * 365.25) || days === Math.floor(years * 365.25) || days === years * 365) ? { unit: 'years', n: years } : { unit: 'days', n: days };
}

/** Days until an instant, from now on; 0 when it is over. */
export const daysLeft = (at: string | null, now_ms: number): number => (at ? Math.max(0, Math.ceil((Date.parse(at) - now_ms) / 86_400_000)) : 0);

/** Changes that somebody must still look at, those that wait for a person first. */
export const waiting = (changes: KeepingChange[]): KeepingChange[] =>
  changes.filter((of) => of.state === 'proposed' || of.state === 'confirmed').sort((a, b) => Number(a.state === 'confirmed') - Number(b.state === 'confirmed'));

/** Reads what was typed into the fields of a rule. */
export function whichOf(fields: { extensions: string; taps: string; number: string; tag: string; since: string; until: string }): Which {
  const list = (text: string) => text.split(/[,\s]+/).map((word) => word.trim()).filter(Boolean);
  const one = (text: string) => text.trim() || null;
  return { extensions: list(fields.extensions), taps: fields.taps.split(',').map((word) => word.trim()).filter(Boolean), number: one(fields.number), tag: one(fields.tag), since: one(fields.since), until: one(fields.until) };
}
export const noFields = () => ({ extensions: '', taps: '', number: '', tag: '', since: '', until: '' });
