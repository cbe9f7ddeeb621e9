import { expect, test } from 'vitest';
import type { Satellite } from '../api';
import { clockOf, enrolCommand, faultAt, fullOf, leftOf, sorted, toneOf } from './say';

const of = (letter: string, state: Satellite['state']): Satellite => ({
  id: letter, name: letter, letter, state, enrolled_at: '', last_seen_at: null, certificate_until: '', revoked_at: null, revoked_by: null, status: null,
  settings: 'followed', settings_changed_at: null, settings_followed_at: null, settings_why: null,
});

test('the command names the server as the browser reached it, and says when it does not know', () => {
  const at = (origin: string) => enrolCommand(origin, '7KPM-3XQ9');
  expect(at('https://central.example:8443').command).toBe('amethyst satellite enrol --central https://central.example:8443 --code 7KPM-3XQ9 --data /srv/amethyst --interface eth1');
  expect(at('https://central.example').command).toContain('--central https://central.example:443 ');
  expect(at('https://10.0.0.2:8443').guessed).toBe(false);
  for (const here of ['https://localhost:8443', 'https://127.0.0.1:8443', 'https://[::1]:8443']) {
    expect(at(here)).toEqual({ command: expect.stringContaining('THIS-SERVER:8443'), guessed: true });
  }
});
test('a clock is right within five seconds', () => {
  expect(clockOf(-4_900)).toEqual({ key: 'right', seconds: 5 });
  expect(clockOf(3_600_000)).toEqual({ key: 'behind', seconds: 3600 });
  expect(clockOf(-7_000)).toEqual({ key: 'ahead', seconds: 7 });
});
test('a disk is as full as it is', () => {
  expect(fullOf(15, 100)).toEqual({ percent: 85, bad: true });
  expect(fullOf(16, 100)).toEqual({ percent: 84, bad: false });
  expect(fullOf(null, 100)).toBe(null);
  expect(fullOf(0, 0)).toBe(null);
});
test('a code runs out and not further', () => {
  expect(leftOf('2026-11-23T12:00:00+02:00', Date.parse('2026-11-23T09:59:00Z'))).toBe(60_000);
  expect(leftOf('2026-11-23T12:00:00+02:00', Date.parse('2026-11-23T10:59:00Z'))).toBe(0);
});
test('a fault is shown where it is', () => {
  const text = 'format = 1\n[rules]\nexclude = [oops\n';
  expect(faultAt(text, 'Line 3: invalid array')).toEqual({ line: 3, from: 19, to: 34 });
  expect(faultAt(text, 'site.letter is Q')).toBe(null);
  expect(faultAt(text, 'Line 99: x')).toBe(null);
});
test('what needs somebody stands first', () => {
  expect(sorted([of('B', 'revoked'), of('C', 'connected'), of('D', 'never'), of('E', 'silent')]).map((one) => one.letter)).toEqual(['E', 'D', 'C', 'B']);
  expect(toneOf(of('E', 'silent'))).toBe('bad');
});
