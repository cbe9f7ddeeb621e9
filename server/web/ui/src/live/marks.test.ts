import { expect, test } from 'vitest';
import { Marks, type Mark } from './marks';

class NotYet extends Error {}
function made(answers: (Error | null)[], age_max_ms?: number) {
  const said: string[] = [];
  const write = async (mark: Mark) => { const answer = answers.shift(); if (answer) throw answer; return mark; };
  const tell = (word: string) => (mark: Mark) => { said.push(`${word} ${mark.at_ms}`); };
  return { said, marks: new Marks(write, (e) => e instanceof NotYet, { written: tell('written'), kept: tell('kept'), lost: tell('lost') }, age_max_ms) };
}

test('a mark that is taken is written at once', async () => {
  const { said, marks } = made([null]);
  await marks.add('a', 5, 0);
  expect([said, marks.waiting]).toEqual([['written 5'], 0]);
});
test('a mark on a call that goes on is kept until the recording is there', async () => {
  const { said, marks } = made([new NotYet(), new NotYet(), null]);
  await marks.add('a', 5, 0);
  await marks.again(1000);
  await marks.again(2000);
  expect([said, marks.waiting]).toEqual([['kept 5', 'written 5'], 0]);
});
test('a refusal is told, not tried for ever', async () => {
  const { said, marks } = made([new Error('refused')]);
  await marks.add('a', 5, 0);
  expect([said, marks.waiting]).toEqual([['lost 5'], 0]);
});
test('a mark that grows too old is told as lost', async () => {
  const { said, marks } = made([new NotYet(), new NotYet()], 1000);
  await marks.add('a', 5, 0);
  await marks.again(1000);
  expect([said, marks.waiting]).toEqual([['kept 5', 'lost 5'], 0]);
});
test('one that fails does not hold up the others', async () => {
  const { said, marks } = made([new NotYet(), new NotYet(), new NotYet(), null]);
  await marks.add('a', 1, 0);
  await marks.add('b', 2, 0);
  await marks.again(10);
  expect([said, marks.waiting]).toEqual([['kept 1', 'kept 2', 'written 2'], 1]);
});
