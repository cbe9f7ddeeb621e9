// Times and lengths as people read them. Times are always shown in the site's zone, whatever zone the browser sits in.
// A `Wall` is what a clock on the site's wall shows; sums with it are plain calendar sums, and the server turns it into an instant.

export type Wall = { year: number; month: number; day: number; hour: number; minute: number; second: number };

const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    const options: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
    try { format = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone }); } catch { format = new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }); }
    formats.set(zone, format);
  }
  return format;
}

/** Clocks are put forward or back on a quarter of an hour, in every zone: what is known of one instant holds for the whole quarter. */
const QUARTER_MS = 900_000;
const aheads = new Map<string, number>();

/** Returns how far a zone's clock is ahead of UTC. Asking costs a thousand times what remembering does, and a list asks for each row. */
function ahead_ms(zone: string, at_ms: number): number {
  const quarter = Math.floor(at_ms / QUARTER_MS), key = `${zone} ${quarter}`;
  let ahead = aheads.get(key);
  if (ahead === undefined) {
    const of: Record<string, number> = {};
    for (const { type, value } of formatOf(zone).formatToParts(quarter * QUARTER_MS)) of[type] = Number(value);
    ahead = Date.UTC(of.year ?? 0, (of.month ?? 1) - 1, of.day ?? 1, of.hour ?? 0, of.minute ?? 0, of.second ?? 0) - quarter * QUARTER_MS;
    if (aheads.size > 5_000) aheads.clear();
    aheads.set(key, ahead);
  }
  return ahead;
}

/** Returns what the clock of a zone shows at an instant (milliseconds since 1970). */
export function wallAt(zone: string, at_ms: number): Wall {
  const d = new Date(at_ms + ahead_ms(zone, at_ms));
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(), minute: d.getUTCMinutes(), second: d.getUTCSeconds() };
}

const two = (n: number) => String(n).padStart(2, '0');

/** Adds to a wall time; days and months overflow as a calendar does. */
export function moved(wall: Wall, by: { years?: number; months?: number; days?: number; minutes?: number }): Wall {
  const d = new Date(Date.UTC(wall.year + (by.years ?? 0), wall.month - 1 + (by.months ?? 0), wall.day + (by.days ?? 0), wall.hour, wall.minute + (by.minutes ?? 0), wall.second));
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: d.getUTCHours(), minute: d.getUTCMinutes(), second: d.getUTCSeconds() };
}
export const midnight = (wall: Wall): Wall => ({ ...wall, hour: 0, minute: 0, second: 0 });
/** Day of the week, Monday 0 to Sunday 6. */
export const weekday = (wall: Wall): number => (new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay() + 6) % 7;
/** True when the calendar has this day. */
export const exists = (wall: Wall): boolean => { const m = moved(wall, {}); return m.month === wall.month && m.day === wall.day; };
export const writeDay = (wall: Wall): string => `${String(wall.year).padStart(4, '0')}-${two(wall.month)}-${two(wall.day)}`;
/** Writes `yyyy-mm-ddThh:mm`, which the server reads in the site's zone. */
export const writeMinute = (wall: Wall): string => `${writeDay(wall)}T${two(wall.hour)}:${two(wall.minute)}`;

/** Reads an instant that the server wrote: RFC 3339 text, or microseconds since 1970. NaN when it is neither. */
export function instant(value: string | number | null | undefined): number {
  if (typeof value === 'number') return value > 1e14 ? value / 1000 : value;
  return value ? Date.parse(value) : Number.NaN;
}

/** Shows an instant in the site's zone: `2026-11-22 14:03:05`; an empty text when there is none. */
export function showTime(zone: string, value: string | number | null | undefined): string {
  const at = instant(value);
  if (Number.isNaN(at)) return '';
  const w = wallAt(zone, at);
  return `${writeDay(w)} ${two(w.hour)}:${two(w.minute)}:${two(w.second)}`;
}
export const showClock = (zone: string, value: string | number | null | undefined): string => showTime(zone, value).slice(11);

/** Shows a length as a player does: `0:07`, `12:30`, `1:02:03`. */
export function showLength(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** Shows how much is missing or silent, however little: `20 ms`, `3.2 s`, `1:05`. */
export const showSpan = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : showLength(ms));

/** Shows a position with tenths, never rounded up past it: `1:02.5`. */
export function showPosition(seconds: number): string {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  const s = Math.floor(tenths / 10);
  const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return `${h ? `${h}:${two(m)}` : m}:${two(s % 60)}.${tenths % 10}`;
}

/** Reads a length typed by a person: `90`, `90s`, `1:30`, `2m`, `1h`, `1m30s`. Seconds; null when it is none. */
export function readLength(text: string): number | null {
  const tidy = text.trim().toLowerCase().replace(/\s+/g, '');
  if (/^\d+$/.test(tidy)) return Number(tidy);
  if (/^\d+(:\d{1,2}){1,2}$/.test(tidy)) return tidy.split(':').reduce((all, part) => all * 60 + Number(part), 0);
  const parts = /^(?:(\d+)(?:h|hr|hrs|u|uur))?(?:(\d+)(?:m|min|mins))?(?:(\d+)(?:s|sec|secs|sek))?$/.exec(tidy);
  if (!parts || !tidy) return null;
  return Number(parts[1] ?? 0) * 3600 + Number(parts[2] ?? 0) * 60 + Number(parts[3] ?? 0);
}
export const showBytes = (bytes: number): string =>
  bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KiB` : bytes < 1073741824 ? `${(bytes / 1048576).toFixed(1)} MiB` : `${(bytes / 1073741824).toFixed(2)} GiB`;
