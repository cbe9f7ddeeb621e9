import { expect, test } from 'vitest';
import { instant, moved, readLength, showLength, showPosition, showSpan, showTime, wallAt, writeMinute } from './time';

test('times are shown in the site\'s zone', () => {
  expect(showTime('Africa/Johannesburg', '2026-11-22T12:03:05.900Z')).toBe('2026-11-22 14:03:05');
  expect(showTime('Africa/Johannesburg', '2026-11-22T14:03:05+02:00')).toBe('2026-11-22 14:03:05');
  expect(showTime('America/New_York', '2026-11-01T05:30:00Z')).toBe('2026-11-01 01:30:00');
  expect(showTime('UTC', 1_763_820_185_000_000)).toBe('2025-11-22 14:03:05');
});
test('no time is an empty text', () => { expect(showTime('UTC', null)).toBe(''); expect(showTime('UTC', 'soon')).toBe(''); });
test('an unknown zone is shown in UTC, not as a crash', () => { expect(showTime('Nowhere/At-All', '2026-11-22T00:00:00Z')).toBe('2026-11-22 00:00:00'); });
test('midnight is hour 0', () => { expect(wallAt('UTC', Date.UTC(2026, 0, 1)).hour).toBe(0); });
test('calendar sums cross months and leap days', () => {
  const of = (year: number, month: number, day: number) => ({ year, month, day, hour: 0, minute: 0, second: 0 });
  expect(writeMinute(moved(of(2026, 12, 31), { days: 1 }))).toBe('2027-01-01T00:00');
  expect(writeMinute(moved(of(2024, 2, 28), { days: 1 }))).toBe('2024-02-29T00:00');
});
test.each([[0, '0:00'], [7_400, '0:07'], [750_000, '12:30'], [3_723_000, '1:02:03'], [-5, '0:00']])('%i ms is %s', (ms, text) => { expect(showLength(ms)).toBe(text); });
test.each([[20, '20 ms'], [3_240, '3.2 s'], [65_000, '1:05']])('%i ms missing are %s', (ms, text) => { expect(showSpan(ms)).toBe(text); });
test.each([[0, '0:00.0'], [62.59, '1:02.5'], [3600, '1:00:00.0'], [0.3, '0:00.3']])('position %d is %s', (s, text) => { expect(showPosition(s)).toBe(text); });
test.each([['90', 90], ['90s', 90], ['1:30', 90], ['2m', 120], ['1h', 3600], ['1m30s', 90], ['1 h 30 min', 5400], ['soon', null], ['', null]])('length %s', (text, s) => { expect(readLength(text)).toBe(s); });
test('instants are read as text and as microseconds', () => { expect(instant(1_763_820_185_000_000)).toBe(1_763_820_185_000); expect(instant(undefined)).toBeNaN(); });
