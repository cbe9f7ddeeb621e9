import { expect, test } from 'vitest';
import type { KeepingChange } from '../api';
import { conditionsOf, daysLeft, daysOf, noFields, waiting, whichOf } from './say';

test('what was typed is what is said', () => {
  const which = whichOf({ ...noFields(), extensions: '200, 3***  3111-3118', tag: ' sale ', since: '2026-11-22' });
  expect(which).toEqual({ extensions: ['200', '3***', '3111-3118'], taps: [], number: null, tag: 'sale', since: '2026-11-22', until: null });
  expect(conditionsOf(which).map((of) => `${of.key} ${of.value}`)).toEqual(['extensions 200, 3***, 3111-3118', 'tag sale', 'since 2026-11-22']);
  expect(conditionsOf(whichOf(noFields()))).toEqual([]);
});
test('whole years are said as years', () => {
  expect([1, 365, 366, 1826, 1827, 2557, 400].map((days) => { const of = daysOf(days); return `${of.n} ${of.unit}`; })).toEqual(['1 days', '1 years', '1 years', '5 years', '5 years', '7 years', '400 days']);
});
test('days left are counted up and never below none', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  expect(['2026-12-06T12:00:00Z', '2026-11-22T13:00:00Z', '2026-11-01T00:00:00Z', null].map((at) => daysLeft(at, now))).toEqual([14, 1, 0, 0]);
});
test('what waits for a person stands first', () => {
  const change = (id: number, state: KeepingChange['state']) => ({ id, state }) as KeepingChange;
  expect(waiting([change(4, 'confirmed'), change(3, 'applied'), change(2, 'proposed'), change(1, 'cancelled')]).map((of) => of.id)).toEqual([2, 4]);
});
