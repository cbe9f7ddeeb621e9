import { expect, test } from 'vitest';
import type { Wall } from '../time';
import { readAsked, type Asked } from './asked';
import { NO_FILTER, paramsOf, readFilter, writeFilter, type Filter } from './filter';

const NOW: Wall = { year: 2026, month: 11, day: 23, hour: 15, minute: 30, second: 0 };
const check = (text: string, expected: Partial<Asked>) => {
  const { span, ...asked } = readAsked(text, NOW);
  const set = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
  expect({ ...set, ...(span && { span }) }, text).toEqual(expected);
};
const yesterday = { since: '2026-11-22T00:00', until: '2026-11-23T00:00' };

test('words are words', () => { check('Smith', { q: 'Smith' }); check('  van   der Merwe ', { q: 'van der Merwe' }); });
test('numbers, however they are grouped', () => {
  check('0115550100', { number: '0115550100' });
  check('011 555 0100', { number: '0115550100' });
  check('+27 11 555-0100', { number: '+27115550100' });
  check('(011) 555 0100', { number: '0115550100' });
  check('200', { number: '200' });
  check('17', { q: '17' });
});
test('references', () => { check('A261122-000002', { reference: 'A261122-000002' }); check('a261122-000002 smith', { reference: 'A261122-000002', q: 'smith' }); });
test('extensions', () => { check('ext 200', { extension: '200' }); check('x3115', { extension: '3115' }); check('extension: 200', { extension: '200' }); });
test('tags and named fields', () => {
  check('#complaint', { tag: 'complaint' });
  check('#"call back" smith', { tag: 'call back', q: 'smith' });
  check('tag:"call back"', { tag: 'call back' });
  check('name:ann comment:refund', { name: 'ann', comment: 'refund' });
});
test('everything at once', () => { check('smith 0115550100 yesterday #vip', { q: 'smith', number: '0115550100', span: yesterday, tag: 'vip' }); });
test('what is quoted is never taken for a date or a number', () => { check('"yesterday 0115550100"', { q: 'yesterday 0115550100' }); });
test('a date is not taken for a number', () => { check('2026-11-22', { span: yesterday }); check('22/11/2026', { span: yesterday }); });
test('a megabyte of anything is cut, not choked on', () => {
  const began = readAsked('9 '.repeat(500_000), NOW);
  expect(began.number.length).toBeLessThan(500);
  readAsked('"'.repeat(100_000), NOW);
  readAsked('#'.repeat(100_000), NOW);
});

const full: Filter = { text: 'smith yesterday', direction: ['in', 'out'], method: ['voip'], side: ['trunk'], tap: 'main trunk', tag: 'vip', longer: '30s', shorter: '1h', gap: true, held: true, oldest: true };
test('a filter survives the address', () => { expect(readFilter(new URLSearchParams(writeFilter(full)))).toEqual(full); expect(readFilter(new URLSearchParams())).toEqual(NO_FILTER); });
test('an address with nonsense is a filter without it', () => { expect(readFilter(new URLSearchParams('direction=up,in&method=pigeon&gap=maybe'))).toEqual({ ...NO_FILTER, direction: ['in'] }); });
test('the server is asked in its own words', () => {
  expect(paramsOf(full, NOW)).toMatchObject({ q: 'smith', since: '2026-11-22T00:00', until: '2026-11-23T00:00', direction: 'in,out', min_seconds: 30, max_seconds: 3600, has_gap: true, held: true, order: 'oldest', tap: 'main trunk', tag: 'vip' });
});
