import { expect, test } from 'vitest';
import type { Wall } from '../time';
import { findWhen } from './when';

// A Monday afternoon.
const NOW: Wall = { year: 2026, month: 11, day: 23, hour: 15, minute: 30, second: 10 };
const check = (text: string, since: string | null, until: string | null) => {
  expect(findWhen(text, NOW)?.span, text).toEqual({ since, until });
};

test('days by their names', () => {
  check('today', '2026-11-23T00:00', '2026-11-24T00:00');
  check('yesterday', '2026-11-22T00:00', '2026-11-23T00:00');
  check('Yesterday', '2026-11-22T00:00', '2026-11-23T00:00');
  check('the day before yesterday', '2026-11-21T00:00', '2026-11-22T00:00');
  check('day before yesterday', '2026-11-21T00:00', '2026-11-22T00:00');
  check('monday', '2026-11-23T00:00', '2026-11-24T00:00');
  check('last monday', '2026-11-16T00:00', '2026-11-17T00:00');
  check('friday', '2026-11-20T00:00', '2026-11-21T00:00');
});
test('days by their date', () => {
  check('22 nov', '2026-11-22T00:00', '2026-11-23T00:00');
  check('nov 22', '2026-11-22T00:00', '2026-11-23T00:00');
  check('22nd November 2025', '2025-11-22T00:00', '2025-11-23T00:00');
  check('22/11', '2026-11-22T00:00', '2026-11-23T00:00');
  check('22/11/2026', '2026-11-22T00:00', '2026-11-23T00:00');
  check('22.11.2026', '2026-11-22T00:00', '2026-11-23T00:00');
  check('2026/11/22', '2026-11-22T00:00', '2026-11-23T00:00');
  check('2026-11-22', '2026-11-22T00:00', '2026-11-23T00:00');
  check('29 feb 2024', '2024-02-29T00:00', '2024-03-01T00:00');
});
test('a date without a year is the last one that has come', () => {
  check('24 nov', '2025-11-24T00:00', '2025-11-25T00:00');
  check('31 dec', '2025-12-31T00:00', '2026-01-01T00:00');
  check('1 jan', '2026-01-01T00:00', '2026-01-02T00:00');
});
test('times', () => {
  check('yesterday 14:00', '2026-11-22T14:00', '2026-11-22T15:00');
  check('yesterday at 14:25', '2026-11-22T14:10', '2026-11-22T14:40');
  check('yesterday 2pm', '2026-11-22T14:00', '2026-11-22T15:00');
  check('2:30 pm', '2026-11-23T14:15', '2026-11-23T14:45');
  check('12am today', '2026-11-23T00:00', '2026-11-23T01:00');
  check('14h00', '2026-11-23T14:00', '2026-11-23T15:00');
  check('22 nov 09:00', '2026-11-22T09:00', '2026-11-22T10:00');
});
test('a time alone that is still to come means yesterday', () => { check('16:00', '2026-11-22T16:00', '2026-11-22T17:00'); });
test('spans with both ends', () => {
  check('2026-11-22 14:00-15:00', '2026-11-22T14:00', '2026-11-22T15:00');
  check('yesterday 14:00 - 14:20', '2026-11-22T14:00', '2026-11-22T14:20');
  check('yesterday 22:00 to 02:00', '2026-11-22T22:00', '2026-11-23T02:00');
  check('20 nov - 22 nov', '2026-11-20T00:00', '2026-11-23T00:00');
  check('20-22 nov', '2026-11-20T00:00', '2026-11-23T00:00');
  check('between 2026-11-01 and 2026-11-07', '2026-11-01T00:00', '2026-11-08T00:00');
  check('from friday to yesterday', '2026-11-20T00:00', '2026-11-23T00:00');
  check('22 nov 23:00 - 23 nov 01:00', '2026-11-22T23:00', '2026-11-23T01:00');
  check('09:00-10:00', '2026-11-23T09:00', '2026-11-23T10:00');
});
test('spans with one end', () => {
  check('since yesterday', '2026-11-22T00:00', null);
  check('after 14:00', '2026-11-23T14:00', null);
  check('before 20 nov', null, '2026-11-20T00:00');
  check('until 2026-11-22 12:00', null, '2026-11-22T12:00');
});
test('weeks, months, years', () => {
  check('this week', '2026-11-23T00:00', '2026-11-30T00:00');
  check('last week', '2026-11-16T00:00', '2026-11-23T00:00');
  check('last month', '2026-10-01T00:00', '2026-11-01T00:00');
  check('this month', '2026-11-01T00:00', '2026-12-01T00:00');
  check('last year', '2025-01-01T00:00', '2026-01-01T00:00');
  check('2026-10', '2026-10-01T00:00', '2026-11-01T00:00');
  check('october 2025', '2025-10-01T00:00', '2025-11-01T00:00');
  check('in december', '2025-12-01T00:00', '2026-01-01T00:00');
});
test('counted backwards', () => {
  check('last 30 minutes', '2026-11-23T15:01', '2026-11-23T15:31');
  check('last 2 hours', '2026-11-23T13:31', '2026-11-23T15:31');
  check('last 7 days', '2026-11-17T00:00', '2026-11-24T00:00');
  check('past 2 weeks', '2026-11-10T00:00', '2026-11-24T00:00');
});
test('parts of a day', () => {
  check('this morning', '2026-11-23T06:00', '2026-11-23T12:00');
  check('yesterday afternoon', '2026-11-22T12:00', '2026-11-22T18:00');
  check('friday in the evening', '2026-11-20T18:00', '2026-11-21T00:00');
});
test('Afrikaans', () => {
  check('gister 14:00', '2026-11-22T14:00', '2026-11-22T15:00');
  check('eergister', '2026-11-21T00:00', '2026-11-22T00:00');
  check('verlede week', '2026-11-16T00:00', '2026-11-23T00:00');
  check('22 november om 09h00', '2026-11-22T09:00', '2026-11-22T10:00');
  check('vrydag', '2026-11-20T00:00', '2026-11-21T00:00');
  check('laaste 7 dae', '2026-11-17T00:00', '2026-11-24T00:00');
  check('sedert 1 mei', '2026-05-01T00:00', null);
});
test('the phrase is found among other words, and where it stands is told', () => {
  const found = findWhen('smith yesterday 14:00 complaint', NOW);
  expect(found && 'smith yesterday 14:00 complaint'.slice(found.from, found.to)).toBe('yesterday 14:00');
});
test.each(['Jan van Wyk', 'May', 'April Jones', '0115550100', '+27 11 555 0100', 'A261122-000002', '3111-3118', '99/99', '31 feb', '2026-13-45', '14:99', 'monday2', '10.0.0.5', ''])(
  '%s is no date', (text) => { expect(findWhen(text, NOW)).toBeNull(); });
