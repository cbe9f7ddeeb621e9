// Whether what was recorded is safe, as one sentence: which message of the catalogue, and with what. Pure; the page says it.
import type { Archive, ArchiveDay, ArchiveLocation, ArchiveNotice } from '../api';
import { instant, moved, showTime, wallAt, writeDay } from '../time';

export type Tone = 'good' | 'warn' | 'bad';
/** A moment for people: its day as a word where there is one, and the time of day. */
export type When = { day: 'today' | 'yesterday' | 'tomorrow' | 'weekday' | 'date'; date: string; time: string };
export type Verdict = { tone: Tone; key: string; places: number; files: number; name: string; until: string | null; why: Why | null };
export type Why = { key: string; name: string; at: string | null };

/** Reads a moment against now, by the calendar of the site's zone. */
export function whenOf(zone: string, at: string, now_ms: number): When {
  const then = wallAt(zone, instant(at)), today = wallAt(zone, now_ms), date = writeDay(then);
  const is = (days: number) => date === writeDay(moved(today, { days }));
  const time = `${String(then.hour).padStart(2, '0')}:${String(then.minute).padStart(2, '0')}`;
  const near = [1, 2, 3, 4, 5, 6].some((days) => is(-days));
  return { day: is(0) ? 'today' : is(-1) ? 'yesterday' : is(1) ? 'tomorrow' : near ? 'weekday' : 'date', date, time };
}

/** Why a location is behind; the first thing that a person would mend. */
export function whyOf(of: ArchiveLocation, next: string | null): Why {
  const name = of.name;
  if (of.connected === false) return { key: of.seen_at ? 'away-since' : 'away', name, at: of.seen_at };
  if (of.media[0]?.state === 'suspect') return { key: 'suspect', name, at: null };
  if (of.media[0] && of.media[0].proof !== 'counts') return { key: of.media[0].proof, name, at: null };
  if (of.waiting) return { key: 'waits', name, at: null };
  if (of.stopped_by) return { key: 'stopped', name, at: null };
  if (of.trouble) return { key: 'failed', name, at: null };
  const ended = of.runs.find((run) => run.ended_at !== null);
  if (!of.runs.length) return { key: 'first', name, at: next };
  return { key: ended && ended.outcome !== 'complete' ? 'unfinished' : 'missed', name, at: null };
}

/** The verdict over all locations. */
export function verdictOf(archive: Archive): Verdict {
  const places = archive.locations.length, behind = archive.locations.filter((of) => of.verdict === 'behind');
  const worst = behind.find((of) => of.connected === false) ?? behind[0];
  const all = { places, files: archive.due_files, name: '', until: archive.safe_until, why: null };
  if (archive.verdict === 'none') return { ...all, tone: 'warn', key: 'none' };
  if (archive.verdict === 'safe') return { ...all, tone: 'good', key: archive.locations.every((of) => of.due_files === 0) ? 'safe-all' : 'safe-until' };
  if (archive.verdict === 'running' || !worst) return { ...all, tone: 'warn', key: 'running', name: archive.locations.find((of) => of.running)?.name ?? '' };
  const why = whyOf(worst, archive.next_run);
  // What is missing in one place only has a copy elsewhere.
  if (behind.length < places || archive.due_files === 0) return { ...all, tone: 'bad', key: 'missing', files: worst.due_files, name: worst.name, why };
  return { ...all, tone: why.key === 'first' ? 'warn' : 'bad', key: 'no-copy', why };
}

/** Writes the room on a drive: whole units, since nobody counts hundredths of them there. */
export function showRoom(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0, left = bytes;
  while (left >= 1024 && at < units.length - 1) { left /= 1024; at++; }
  return `${left < 10 && at > 0 ? left.toFixed(1) : Math.round(left)} ${units[at]}`;
}

/** Writes a day of the calendar in the language of the screen: 14 March 2028. */
export const showDate = (day: string, language: string): string =>
  new Date(`${day}T12:00:00Z`).toLocaleDateString(language === 'en' ? 'en-GB' : language, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });

/** The page where somebody does something about a notice. */
export const pageOf = (kind: string): string => (kind === 'policy-waits' || kind === 'hold-review' ? '/keeping' : kind === 'observed' ? '/live' : kind === 'observed-satellite' ? '/satellites' : '/archive');

/** What a notice's sentence is filled in with. */
export function noticeWords(of: ArchiveNotice, zone: string, language: string, t: (key: string, values?: Record<string, string | number>) => string): Record<string, string | number> {
  const label = of.medium || t('medium-unlabelled');
  return {
    name: of.name, why: of.why, count: of.count ?? 0, when: of.at ? showTime(zone, of.at).slice(0, 16) : t('location-never'), day: of.day ? showDate(of.day, language) : '',
    medium: of.lies_in ? `${label} (${of.lies_in})` : label, size: showRoom(of.bytes ?? 0), set: of.at ? 'yes' : 'no',
  };
}

/** How well a day is kept: nothing recorded, proven in all places, in some, in none. */
export const dayTone = (of: ArchiveDay, places: number): 'empty' | 'all' | 'some' | 'no' => (of.files === 0 ? 'empty' : of.proven_in >= places ? 'all' : of.proven_in > 0 || of.lacking < of.files ? 'some' : 'no');

/** How far a run is, 0 to 1; null while that cannot be told. */
export function share(of: { bytes: number; bytes_due: number }): number | null {
  return of.bytes_due > 0 ? Math.min(1, of.bytes / of.bytes_due) : null;
}
