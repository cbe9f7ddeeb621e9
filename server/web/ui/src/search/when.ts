// Dates and times as people type them, in English and Afrikaans: "yesterday 14:00", "22 nov", "2026-11-22 14:00-15:00", "last week".
// Finds one such phrase in a text and says which span of wall time it means. Knows no clock: `now` comes from the caller.
import { exists, midnight, moved, weekday, writeMinute, type Wall } from '../time';

/** A span of wall time; `until` is the first minute that no longer belongs to it. Null means open. */
export type Span = { since: string | null; until: string | null };
export type Found = { span: Span; from: number; to: number };
type Interval = { since: Wall; until: Wall; hasDay: boolean; hasTime: boolean; at: Wall };

const MONTHS = [
  ['january', 'januarie', 'jan'], ['february', 'februarie', 'feb'], ['march', 'maart', 'mar', 'mrt'], ['april', 'apr'], ['may', 'mei'], ['june', 'junie', 'jun'],
  ['july', 'julie', 'jul'], ['august', 'augustus', 'aug'], ['september', 'sept', 'sep'], ['october', 'oktober', 'oct', 'okt'], ['november', 'nov'], ['december', 'desember', 'dec', 'des'],
];
const DAYS = [['monday', 'maandag'], ['tuesday', 'dinsdag'], ['wednesday', 'woensdag'], ['thursday', 'donderdag'], ['friday', 'vrydag'], ['saturday', 'saterdag'], ['sunday', 'sondag']];
const PARTS: [string, number, number][] = [['morning', 6, 12], ['afternoon', 12, 18], ['evening', 18, 24], ['oggend', 6, 12], ['middag', 12, 18], ['aand', 18, 24]];
const LAST = '(?:last|past|previous|verlede|laaste|afgelope)';
const THIS = '(?:this|hierdie|vandeesweek)';
const month = MONTHS.flat().sort((a, b) => b.length - a.length).join('|');
const day = DAYS.flat().join('|');

const DAY_FORMS = [
  '(?:the )?day before yesterday', 'eergister', 'yesterday', 'gister', 'today', 'vandag',
  '\\d{4}[-/]\\d{1,2}[-/]\\d{1,2}', '\\d{1,2}[/.]\\d{1,2}[/.]\\d{4}', '\\d{1,2}/\\d{1,2}',
  `\\d{1,2}(?:st|nd|rd|th)? (?:${month})\\.?(?:,? \\d{4})?`, `(?:${month})\\.? \\d{1,2}(?:st|nd|rd|th)?(?!\\d)(?:,? \\d{4})?`,
  `(?:(?:on|last|op|verlede) )?(?:${day})`,
].join('|');
const TIME_FORMS = '(?:1[0-2]|0?[1-9])(?:[:.][0-5]\\d)? ?[ap]m\\b|(?:[01]?\\d|2[0-4])[:h][0-5]\\d';
const PART_FORMS = PARTS.map(([word]) => word).join('|');
const SPAN_FORMS = [
  `(?:${LAST}|${THIS}) (?:week|month|maand|year|jaar)`,
  `${LAST} \\d{1,4} ?(?:minutes?|mins?|minute|minuut|minute|hours?|ure?|days?|dae?|dag|weeks?|weke|months?|maande?)`,
  `(?:this|vandees) ?(?:${PART_FORMS})`, `(?:in )?(?:${month}) \\d{4}`, `in (?:${month})`, '\\d{4}-\\d{2}(?![-\\d])',
].join('|');
const POINT = `(?:(?:${SPAN_FORMS})|(?:${DAY_FORMS})(?:,? (?:at |om |from |in the |in die )?(?:${TIME_FORMS}|${PART_FORMS}))?|(?:${TIME_FORMS}))`;
const EDGE = '(?<![\\w:./+-])';
const END = '(?![\\w:/+]|[.-]\\d)';
const JOIN = '(?: ?[-–—] ?| to | until | till | tot | and | en )';
const PHRASES: [kind: string, pattern: RegExp][] = [
  ['days', new RegExp(`${EDGE}(\\d{1,2}) ?[-–] ?(\\d{1,2} (?:${month})(?: \\d{4})?)${END}`, 'i')],
  ['range', new RegExp(`${EDGE}(?:between |from |tussen |van )?(${POINT})${JOIN}(${POINT})${END}`, 'i')],
  ['since', new RegExp(`${EDGE}(?:since|after|from|sedert|na|vanaf) (${POINT})${END}`, 'i')],
  ['until', new RegExp(`${EDGE}(?:(?<!day )before|until|till|voor|tot) (${POINT})${END}`, 'i')],
  ['point', new RegExp(`${EDGE}(?:at |om )?(${POINT})${END}`, 'i')],
];

/** Finds the first date or time phrase in a text; null when there is none. */
export function findWhen(text: string, now: Wall): Found | null {
  for (const [kind, pattern] of PHRASES) {
    const match = pattern.exec(text);
    if (!match) continue;
    const span = spanOf(kind, match[1] ?? '', match[2] ?? '', now);
    if (span) return { span, from: match.index, to: match.index + match[0].length };
  }
  return null;
}

function spanOf(kind: string, first: string, second: string, now: Wall): Span | null {
  if (kind === 'days') {
    const last = pointOf(second, now);
    if (!last) return null;
    const since = { ...midnight(last.since), day: Number(first) };
    return exists(since) && Number(first) <= last.since.day && Number(first) > 0 ? span(since, last.until) : null;
  }
  const a = pointOf(first, now);
  if (!a) return null;
  if (kind === 'since') return { since: writeMinute(a.hasTime ? a.at : a.since), until: null };
  if (kind === 'until') return { since: null, until: writeMinute(a.hasTime ? a.at : a.since) };
  if (kind === 'point') return span(a.since, a.until);
  // In "yesterday 14:00-15:00" the second point has no day of its own: it takes the first one's.
  let b = pointOf(second, now);
  if (!b) return null;
  if (b.hasTime && !b.hasDay) {
    const clock = { hour: b.at.hour, minute: b.at.minute };
    let at: Wall = { ...a.at, ...clock };
    if (order(at, a.at) <= 0) at = moved(at, { days: 1 });
    b = { ...b, at };
  }
  const since = a.hasTime ? a.at : a.since, until = b.hasTime ? b.at : b.until;
  return order(since, until) < 0 ? span(since, until) : null;
}

const span = (since: Wall, until: Wall): Span => ({ since: writeMinute(since), until: writeMinute(until) });
const order = (a: Wall, b: Wall) => writeMinute(a) < writeMinute(b) ? -1 : writeMinute(a) > writeMinute(b) ? 1 : 0;
const wholeDay = (of: Wall): Interval => { const since = midnight(of); return { since, until: moved(since, { days: 1 }), hasDay: true, hasTime: false, at: since }; };

function pointOf(text: string, now: Wall): Interval | null {
  const tidy = text.toLowerCase().replace(/\s+/g, ' ').trim();
  const whole = spanPoint(tidy, now);
  if (whole) return whole;
  const time = new RegExp(`(?:^|[ ,](?:at |om |from |in the |in die )?)(${TIME_FORMS}|${PART_FORMS})$`, 'i').exec(tidy);
  const dayText = time ? tidy.slice(0, time.index).replace(/,$/, '').trim() : tidy;
  const date = dayText ? dayOf(dayText, now) : null;
  if (dayText && !date) return null;
  if (!time) return date && wholeDay(date);
  const said = time[1] ?? '';
  const part = PARTS.find(([word]) => word === said);
  const base = midnight(date ?? now);
  if (part) return { since: moved(base, { minutes: part[1] * 60 }), until: moved(base, { minutes: part[2] * 60 }), hasDay: true, hasTime: false, at: base };
  const minutes = minutesOf(said);
  if (minutes === null) return null;
  let at = moved(base, { minutes });
  // A time alone that is still to come means yesterday's.
  if (!date && order(at, now) > 0) at = moved(at, { days: -1 });
  return { ...around(at), hasDay: date !== null, hasTime: true, at };
}

/** What "at 14:00" covers: the hour that begins then; "at 14:25" a quarter of an hour to both sides, since nobody remembers the minute. */
function around(at: Wall): { since: Wall; until: Wall } {
  return at.minute === 0 ? { since: at, until: moved(at, { minutes: 60 }) } : { since: moved(at, { minutes: -15 }), until: moved(at, { minutes: 15 }) };
}

function spanPoint(text: string, now: Wall): Interval | null {
  const made = (since: Wall, until: Wall): Interval => ({ since, until, hasDay: true, hasTime: false, at: since });
  const today = midnight(now);
  const part = new RegExp(`^(?:this|vandees) ?(${PART_FORMS})$`, 'i').exec(text);
  if (part) { const of = PARTS.find(([word]) => word === part[1]); return of ? made(moved(today, { minutes: of[1] * 60 }), moved(today, { minutes: of[2] * 60 })) : null; }
  const named = new RegExp(`^(${LAST}|${THIS}) (week|month|maand|year|jaar)$`, 'i').exec(text);
  if (named) {
    const back = new RegExp(`^${LAST}$`, 'i').test(named[1] ?? '') ? -1 : 0;
    if (named[2] === 'week') { const start = moved(today, { days: -weekday(today) + 7 * back }); return made(start, moved(start, { days: 7 })); }
    if (named[2] === 'month' || named[2] === 'maand') { const start = moved({ ...today, day: 1 }, { months: back }); return made(start, moved(start, { months: 1 })); }
    const start = moved({ ...today, month: 1, day: 1 }, { years: back });
    return made(start, moved(start, { years: 1 }));
  }
  const count = new RegExp(`^${LAST} (\\d+) ?([a-z]+)$`, 'i').exec(text);
  if (count) {
    const n = Number(count[1]), unit = count[2] ?? '', next = moved({ ...now, second: 0 }, { minutes: 1 });
    if (/^min/.test(unit)) return made(moved(next, { minutes: -n }), next);
    if (/^(hour|ur|uur)/.test(unit)) return made(moved(next, { minutes: -60 * n }), next);
    if (/^(week|weke)/.test(unit)) return made(moved(today, { days: 1 - 7 * n }), moved(today, { days: 1 }));
    if (/^(month|maand)/.test(unit)) return made(moved(today, { months: -n, days: 1 }), moved(today, { days: 1 }));
    return made(moved(today, { days: 1 - n }), moved(today, { days: 1 }));
  }
  const numbers = /^(\d{4})-(\d{2})$/.exec(text);
  const inMonth = numbers ? [Number(numbers[2]), Number(numbers[1])] as const : monthWords(text, now);
  if (inMonth && inMonth[0] >= 1 && inMonth[0] <= 12) { const start = { ...today, year: inMonth[1], month: inMonth[0], day: 1 }; return made(start, moved(start, { months: 1 })); }
  return null;
}

function monthWords(text: string, now: Wall): readonly [number, number] | null {
  const match = new RegExp(`^(in )?(${month})(?: (\\d{4}))?$`, 'i').exec(text);
  if (!match || !(match[1] || match[3])) return null;
  const number = monthOf(match[2] ?? '');
  return [number, match[3] ? Number(match[3]) : number > now.month ? now.year - 1 : now.year];
}

const monthOf = (word: string) => MONTHS.findIndex((names) => names.includes(word.replace('.', ''))) + 1;

function dayOf(text: string, now: Wall): Wall | null {
  const today = midnight(now);
  if (/^(today|vandag)$/.test(text)) return today;
  if (/^(yesterday|gister)$/.test(text)) return moved(today, { days: -1 });
  if (/before yesterday$|^eergister$/.test(text)) return moved(today, { days: -2 });
  const named = new RegExp(`^(?:(on|last|op|verlede) )?(${day})$`, 'i').exec(text);
  if (named) {
    const wanted = DAYS.findIndex((names) => names.includes(named[2] ?? ''));
    const back = (weekday(today) - wanted + 7) % 7;
    return moved(today, { days: -(back === 0 && (named[1] === 'last' || named[1] === 'verlede') ? 7 : back) });
  }
  let year: number | null = null, inMonth = 0, inDay = 0;
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text), plain = /^(\d{1,2})[/.](\d{1,2})(?:[/.](\d{4}))?$/.exec(text);
  const dayFirst = new RegExp(`^(\\d{1,2})(?:st|nd|rd|th)? (${month})\\.?(?:,? (\\d{4}))?$`, 'i').exec(text), monthFirst = new RegExp(`^(${month})\\.? (\\d{1,2})(?:st|nd|rd|th)?(?:,? (\\d{4}))?$`, 'i').exec(text);
  if (iso) [year, inMonth, inDay] = [Number(iso[1]), Number(iso[2]), Number(iso[3])];
  else if (plain) [inDay, inMonth, year] = [Number(plain[1]), Number(plain[2]), plain[3] ? Number(plain[3]) : null];
  else if (dayFirst) [inDay, inMonth, year] = [Number(dayFirst[1]), monthOf(dayFirst[2] ?? ''), dayFirst[3] ? Number(dayFirst[3]) : null];
  else if (monthFirst) [inMonth, inDay, year] = [monthOf(monthFirst[1] ?? ''), Number(monthFirst[2]), monthFirst[3] ? Number(monthFirst[3]) : null];
  else return null;
  // Without a year: the last such day that has come.
  let of: Wall = { ...today, year: year ?? today.year, month: inMonth, day: inDay };
  if (year === null && order(of, today) > 0) of = { ...of, year: of.year - 1 };
  return inMonth >= 1 && inMonth <= 12 && inDay >= 1 && exists(of) ? of : null;
}

function minutesOf(text: string): number | null {
  const match = /^(\d{1,2})(?:[:h.](\d{2}))? ?([ap]m)?$/i.exec(text);
  if (!match) return null;
  let hour = Number(match[1]);
  const minute = Number(match[2] ?? 0), half = match[3]?.toLowerCase();
  if (half) hour = (hour % 12) + (half === 'pm' ? 12 : 0);
  return hour * 60 + minute <= 24 * 60 ? hour * 60 + minute : null;
}
