import { expect, test } from 'vitest';
import type { Archive, ArchiveLocation } from '../api';
import { dayTone, noticeWords, share, showDate, showRoom, verdictOf, whenOf, whyOf } from './say';

const location = (of: Partial<ArchiveLocation> = {}): ArchiveLocation => ({
  id: '1', name: 'Drive A', kind: 'usb', path: '/media/a', media_set: 'one', verdict: 'safe', safe_until: null, connected: true, why: null, seen_at: null, due_files: 0, due_bytes: 0,
  free_bytes: null, total_bytes: null, daily_bytes: null, full_on: null, running: null, waiting: false, trouble: null, media: [], runs: [],
  stopped_by: null, checking: null, check_trouble: null, drill: null, logins_until: null, logins_days: null, removal: null, ...of,
});
const archive = (of: Partial<Archive>): Archive => ({ verdict: 'safe', safe_until: null, due_files: 0, next_run: null, at: '21:00', continuous: false, locations: [], ...of });
const run = (outcome: 'complete' | 'early' | 'cut') => ({ id: '1', medium: '1', begun_at: '', ended_at: outcome === 'cut' ? null : '2026-11-22T21:05:00+02:00', outcome, files: 0, bytes: 0, message: '' });

test('a site without a location is told so, and never safe', () => { expect(verdictOf(archive({ verdict: 'none' }))).toMatchObject({ tone: 'warn', key: 'none' }); });
test('what waits for tonight is no reason to worry', () => {
  expect(verdictOf(archive({ locations: [location({ due_files: 5 })], due_files: 5, safe_until: 'x' }))).toMatchObject({ tone: 'good', key: 'safe-until', places: 1, until: 'x' });
  expect(verdictOf(archive({ locations: [location(), location()] }))).toMatchObject({ tone: 'good', key: 'safe-all', places: 2 });
});
test('what no place holds is told as that, with the drive that is away', () => {
  const away = location({ verdict: 'behind', connected: false, seen_at: '2026-11-20T20:14:00+02:00', due_files: 3112 });
  expect(verdictOf(archive({ verdict: 'behind', due_files: 3112, locations: [away] }))).toMatchObject({ tone: 'bad', key: 'no-copy', files: 3112, why: { key: 'away-since', name: 'Drive A' } });
  expect(verdictOf(archive({ verdict: 'behind', due_files: 0, locations: [away, location()] }))).toMatchObject({ tone: 'bad', key: 'missing', files: 3112, name: 'Drive A' });
});
test('the first thing to mend is named', () => {
  expect(whyOf(location(), 'x').key).toBe('first');
  expect(whyOf(location({ connected: false }), null).key).toBe('away');
  expect(whyOf(location({ trouble: 'full', runs: [run('early')] }), null).key).toBe('failed');
  expect(whyOf(location({ runs: [run('early')] }), null).key).toBe('unfinished');
  expect(whyOf(location({ runs: [run('complete')] }), null).key).toBe('missed');
});
test('a day is judged by the places that hold all of it', () => {
  const day = (files: number, proven_in: number, lacking: number) => dayTone({ day: '', files, proven_in, lacking, purged: 0 }, 2);
  expect([day(0, 2, 0), day(9, 2, 0), day(9, 1, 9), day(9, 0, 4), day(9, 0, 9)]).toEqual(['empty', 'all', 'some', 'some', 'no']);
});
test('a notice says where the medium lies', () => {
  const of = { key: 'away/1', kind: 'away', severity: 'told' as const, since: '', seen_by: null, location: '1', name: 'Drive A', medium: 'A7', lies_in: 'safe', why: '', at: '2026-11-22T21:00:00+02:00', day: '2026-12-01', count: 3, bytes: 1024 };
  expect(noticeWords(of, 'Africa/Johannesburg', 'en', (key) => key)).toMatchObject({ medium: 'A7 (safe)', when: '2026-11-22 21:00', day: '1 December 2026', size: '1.0 KiB', set: 'yes' });
});
test('days are words of the site\'s calendar', () => {
  const zone = 'Africa/Johannesburg', now = Date.parse('2026-11-23T08:00:00+02:00');
  const check = (at: string, day: string, time: string) => expect(whenOf(zone, at, now)).toMatchObject({ day, time });
  check('2026-11-23T00:05:00+02:00', 'today', '00:05');
  check('2026-11-22T21:00:00+02:00', 'yesterday', '21:00');
  check('2026-11-23T21:00:00+02:00', 'today', '21:00');
  check('2026-11-24T21:00:00+02:00', 'tomorrow', '21:00');
  check('2026-11-20T20:14:00+02:00', 'weekday', '20:14');
  check('2026-10-20T20:14:00+02:00', 'date', '20:14');
});
test('room and dates are for people', () => {
  expect([0, 900, 1536, 812 * 2 ** 30, 1863 * 2 ** 30].map(showRoom)).toEqual(['0 B', '900 B', '1.5 KiB', '812 GiB', '1.8 TiB']);
  expect(showDate('2028-03-14', 'en')).toBe('14 March 2028');
});
test('a share is told only of something', () => {
  expect(share({ bytes: 5, bytes_due: 10 })).toBe(0.5);
  expect(share({ bytes: 0, bytes_due: 0 })).toBeNull();
});
