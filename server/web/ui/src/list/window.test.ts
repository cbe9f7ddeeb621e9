import { expect, test } from 'vitest';
import { MAX_PX, heightOf, scrollTo, windowAt } from './window';

const ROW = 36, VIEW = 720;

test('a short list is not scaled', () => {
  expect(windowAt(0, VIEW, 100, ROW, 0)).toEqual({ first: 0, count: 21, offset_px: 0, height_px: 3600 });
  expect(windowAt(90, VIEW, 100, ROW, 0)).toMatchObject({ first: 2, offset_px: -18 });
});
test('an empty list draws nothing', () => { expect(windowAt(0, VIEW, 0, ROW)).toMatchObject({ first: 0, count: 0, height_px: 0 }); });
test('the last of three million rows can be reached, and its end is the end of the view', () => {
  const w = windowAt(MAX_PX, VIEW, 3_000_000, ROW, 0);
  expect(w.first + w.count).toBe(3_000_000);
  expect(w.offset_px + w.count * ROW).toBeCloseTo(VIEW, 3);
});
test('every row of a list of ten million can be shown', () => {
  for (const row of [0, 1, 17, 222_221, 222_223, 4_999_999, 9_999_998, 9_999_999]) {
    let at = 5_000_000;
    for (let i = 0; i < 4; i++) at = scrollTo(row, at, VIEW, 10_000_000, ROW) ?? at;
    const w = windowAt(at, VIEW, 10_000_000, ROW, 0);
    expect(row).toBeGreaterThanOrEqual(w.first);
    expect(row).toBeLessThan(w.first + w.count);
  }
});
test('a row in view does not move the view', () => { expect(scrollTo(5, 0, VIEW, 100, ROW)).toBeNull(); expect(scrollTo(19, 0, VIEW, 100, ROW)).toBeNull(); });
test('a row below comes to the lower edge, a row above to the upper', () => { expect(scrollTo(20, 0, VIEW, 100, ROW)).toBe(36); expect(scrollTo(2, 360, VIEW, 100, ROW)).toBe(72); });
test('never more is drawn than a view and a little', () => {
  for (let at = 0; at < MAX_PX; at += 123_457) expect(windowAt(at, VIEW, 3_000_000, ROW).count).toBeLessThan(VIEW / ROW + 16);
});
test('the height never passes what browsers can', () => { expect(heightOf(10_000_000, ROW)).toBe(MAX_PX); });
test('scrolling past the end is the end', () => { expect(windowAt(99_999, VIEW, 100, ROW, 0).first).toBe(80); });
