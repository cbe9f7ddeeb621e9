import { expect, test } from 'vitest';
import { panOf, PLAIN } from './desk';

const check = (change: Partial<typeof PLAIN>, channels: number, expected: number[]) => {
  expect(Array.from({ length: channels }, (_, c) => panOf({ ...PLAIN, ...change }, c, channels))).toEqual(expected);
};
test('near is left and far is right', () => { check({}, 2, [-1, 1]); });
test('one ear hears both', () => { check({ middle: true }, 2, [0, 0]); check({ middle: true, balance: -1 }, 2, [-1, -1]); });
test('balance moves both and never leaves the room', () => { check({ balance: 0.5 }, 2, [-0.5, 1]); check({ balance: -1 }, 2, [-1, 0]); });
test('a single leg is in the middle', () => { check({}, 1, [0]); });
