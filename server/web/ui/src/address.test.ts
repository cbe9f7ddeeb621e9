import { expect, test } from 'vitest';
import { linkToken, momentOf, readAddress, safeReturn, writeAddress } from './address';

const at = (path: string) => readAddress(new URL(path, 'https://c'));

test('the bare address is the recordings page', () => { expect(at('/').page).toBe('recordings'); });
test('a part, filters and a moment are read', () => {
  const a = at('/recordings/0192f%20x?q=smith#t=12.5');
  expect([a.page, a.part, a.query.get('q'), a.hash]).toEqual(['recordings', '0192f x', 'smith', 't=12.5']);
});
test('an unknown page says so', () => { expect(at('/wp-admin').page).toBe('unknown'); });
test('a broken percent escape is no crash', () => { expect(at('/recordings/%E0%A4%A').part).toBe('%E0%A4%A'); });
test('writing leaves out what is empty', () => { expect(writeAddress('recordings', '', { q: '', tap: 'main trunk', open: null })).toBe('/recordings?tap=main+trunk'); });
test('what is written is read again', () => {
  const a = at(writeAddress('settings', 'users/a b', { q: 'ü&=' }, 't=3'));
  expect([a.page, a.part, a.query.get('q'), a.hash]).toEqual(['settings', 'users/a b', 'ü&=', 't=3']);
});

const token = 'Zk3v-Q0_9aaaaaaaaaaaaaaaaaaaaa';
test.each([`/sign-in#${token}`, `/sign-in#link=${token}`, `/sign-in#token=${token}`, `/sign-in?link=${token}`, `/sign-in/${token}`, `/link/${token}`, `/link#${token}`])(
  'the one-time link %s is understood', (path) => { expect(linkToken(at(path))).toBe(token); });
test('no token is found elsewhere', () => { expect(linkToken(at(`/recordings#${token}`))).toBeNull(); expect(linkToken(at('/sign-in'))).toBeNull(); });

test.each([['t=83.5', 83.5], ['t=1:23', 83], ['t=1:02:03', 3723], ['t=0', 0], ['', null], ['t=abc', null], ['t=-4', null], ['t=1:2:3:4', null]])(
  'the moment %s', (hash, seconds) => { expect(momentOf(hash)).toBe(seconds); });

test.each([['//evil.example', '/recordings'], ['https://evil.example', '/recordings'], ['/\\evil', '/recordings'], ['/sign-in', '/recordings'], ['/ledger?day=2026-11-22', '/ledger?day=2026-11-22'], [null, '/recordings']])(
  'after sign-in %s leads to %s', (from, to) => { expect(safeReturn(from)).toBe(to); });
