import { expect, test, vi } from 'vitest';
import { Chain, type Page } from './chain';

const source = (total: number, size = 10) => vi.fn(async (after: string | null): Promise<Page<number>> => {
  const from = after === null ? 0 : Number(after);
  const rows = Array.from({ length: Math.min(size, total - from) }, (_, i) => from + i);
  return { rows, next: from + size < total ? String(from + size) : null };
});
const chainOf = (load: ReturnType<typeof source>, max?: number) => new Chain<number>(load, () => undefined, max);

test('pages are read one after another, by their cursors', async () => {
  const load = source(1000);
  const c = chainOf(load);
  await c.want(0, 25);
  expect(load.mock.calls.map(([after]) => after)).toEqual([null, '10', '20']);
  expect([c.row(0), c.row(29), c.row(30), c.known, c.complete]).toEqual([0, 29, undefined, 30, false]);
});
test('what is there is not read again', async () => {
  const load = source(1000);
  const c = chainOf(load);
  await c.want(0, 9);
  await c.want(0, 9);
  expect(load).toHaveBeenCalledTimes(1);
});
test('the end is known', async () => {
  const c = chainOf(source(25));
  await c.want(0, 1_000_000);
  expect([c.known, c.complete, c.row(24), c.row(25)]).toEqual([25, true, 24, undefined]);
});
test('an empty list is complete', async () => {
  const c = chainOf(source(0));
  await c.want(0, 10);
  expect([c.known, c.complete]).toEqual([0, true]);
});
test('far pages are let go and come back by their cursor', async () => {
  const load = source(1000);
  const c = chainOf(load, 3);
  await c.want(0, 9);
  for (let i = 0; i < 20; i++) await c.want(i * 10, i * 10 + 9);
  expect(c.row(0)).toBeUndefined();
  expect(c.row(195)).toBe(195);
  await c.want(0, 9);
  expect(c.row(0)).toBe(0);
  expect(c.known).toBe(200);
});
test('a wish that changes while a page is read is served next', async () => {
  const c = chainOf(source(1000));
  const one = c.want(0, 5);
  const two = c.want(0, 35);
  await Promise.all([one, two]);
  expect(c.row(35)).toBe(35);
});
test('a wish that follows from the page that came is served, however soon it is made', async () => {
  for (let turns = 0; turns < 6; turns++) {
    const load = source(1000);
    const c: Chain<number> = new Chain<number>(load, () => {
      let wait = Promise.resolve();
      for (let i = 0; i < turns; i++) wait = wait.then(() => undefined);
      if (c.known < 50) void wait.then(() => c.want(c.known, c.known + 5));
    });
    await c.want(0, 5);
    await vi.waitFor(() => expect(c.known).toBe(50));
  }
});
test('after it was closed nothing more comes in', async () => {
  const changed = vi.fn();
  const c = new Chain<number>(source(100), changed);
  const work = c.want(0, 50);
  c.close();
  await work;
  expect(c.known).toBe(0);
  expect(changed).not.toHaveBeenCalled();
});
test('a failure is thrown and can be tried again', async () => {
  const load = source(20);
  load.mockRejectedValueOnce(new Error('gone'));
  const c = chainOf(load);
  await expect(c.want(0, 5)).rejects.toThrow('gone');
  await c.want(0, 5);
  expect(c.row(5)).toBe(5);
});
test('a row can be found and replaced', async () => {
  const c = chainOf(source(20));
  await c.want(0, 19);
  expect(c.find((n) => n === 13)).toBe(13);
  c.put(13, 99);
  expect(c.row(13)).toBe(99);
});
