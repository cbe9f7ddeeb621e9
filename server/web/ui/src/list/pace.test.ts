import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pace } from './pace';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

test('a first jump is drawn at once, those that follow when the hand rests', () => {
  const rest = vi.fn(), pace = new Pace(rest);
  expect(pace.allows(false, false, 1000)).toBe(true);
  for (let at = 1016; at < 3000; at += 16) { vi.advanceTimersByTime(16); expect(pace.allows(false, false, at)).toBe(false); }
  expect(rest).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(rest).toHaveBeenCalledTimes(1);
});
test('what is near is always drawn, and nothing is owed then', () => {
  const rest = vi.fn(), pace = new Pace(rest);
  pace.allows(false, false, 1000);
  expect(pace.allows(false, false, 1016)).toBe(false);
  expect(pace.allows(true, true, 1032)).toBe(true);
  vi.advanceTimersByTime(1000);
  expect(rest).not.toHaveBeenCalled();
});
test('on the way, rows that are there are shown a few times a second', () => {
  const pace = new Pace(() => undefined);
  let shown = 0;
  for (let at = 1000; at < 3000; at += 16) if (pace.allows(false, true, at)) shown++;
  expect(shown).toBeGreaterThan(4);
  expect(shown).toBeLessThan(10);
});
