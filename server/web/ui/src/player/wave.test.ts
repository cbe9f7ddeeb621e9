import { expect, test } from 'vitest';
import { gapsIn, kindOf, secondsOf, viewIn, xOf, zoomed } from './wave';
import type { Timeline } from '../api';

test('a moment and its place are two sides of one thing', () => {
  const view = { from_s: 10, to_s: 70 };
  for (const s of [10, 33.3, 70]) expect(secondsOf(xOf(s, view, 900), view, 900)).toBeCloseTo(s, 6);
});
test('a view never leaves the recording', () => {
  expect(viewIn(60, -10, 20)).toEqual({ from_s: 0, to_s: 30 });
  expect(viewIn(60, 50, 80)).toEqual({ from_s: 30, to_s: 60 });
  expect(viewIn(60, 0, 600)).toEqual({ from_s: 0, to_s: 60 });
  expect(viewIn(60, 10, 10)).toEqual({ from_s: 10, to_s: 11 });
});
test('zooming keeps the moment under the pointer', () => {
  const view = { from_s: 0, to_s: 100 }, closer = zoomed(view, 0.5, 25, 100);
  expect(closer).toEqual({ from_s: 12.5, to_s: 62.5 });
  expect(zoomed(closer, 100, 25, 100)).toEqual({ from_s: 0, to_s: 100 });
});
test.each([['paused', 'pause'], ['lost-in-network', 'loss'], ['lost-by-recorder', 'loss'], ['undecodable', 'loss'], ['silence-suppressed', 'quiet'], ['none', 'quiet'], ['something-new', 'loss']])(
  'the cause %s is shown as %s', (cause, kind) => { expect(kindOf(cause)).toBe(kind); });
test('gaps stand in the band of their leg', () => {
  const gap = (n: number) => ({ from_ms: n, to_ms: n + 1, cause: 'paused' });
  const timeline: Timeline = { length_ms: 10, events: [], fetched_from: null, legs: [{ role: 'far', label: '', codec: '', gaps: [gap(1)] }, { role: 'near', label: '', codec: '', gaps: [gap(2)] }] };
  expect(gapsIn(timeline, 0, 2)).toEqual([gap(2)]);
  expect(gapsIn(timeline, 1, 2)).toEqual([gap(1)]);
  expect(gapsIn(timeline, 0, 1)).toEqual([gap(1), gap(2)]);
  expect(gapsIn(null, 0, 1)).toEqual([]);
});
