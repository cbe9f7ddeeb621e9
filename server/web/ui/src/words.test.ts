// Holds the catalogues against the code: every message that the screens say exists in English; what Afrikaans lacks is listed.
import { readdirSync, readFileSync } from 'node:fs';
import { FluentResource } from '@fluent/bundle';
import { expect, test } from 'vitest';
import { KEYS } from './keys';
import { bundleOf } from './words.svelte';

const catalogue = (language: string) => readFileSync(`locales/${language}.ftl`, 'utf8');
const keysOf = (text: string) => [...text.matchAll(/^([a-z][\w-]*) =/gm)].map((m) => m[1] ?? '');
const sources = readdirSync('src', { recursive: true }).map(String).filter((name) => /\.(svelte|ts)$/.test(name) && !/\.test\.ts$/.test(name)).map((name) => readFileSync(`src/${name}`, 'utf8')).join('\n');

const english = keysOf(catalogue('en')), afrikaans = keysOf(catalogue('af'));
// Every quoted word inside the brackets of t(…), which takes in both sides of a choice: t(on ? 'a' : 'b', { … }).
const calls = [...sources.matchAll(/\bt\(((?:[^()'`{}]|'[^']*'|`[^`]*`)*?)[,)]/g)].map((m) => (m[1] ?? ''));
const said = calls.map((inside) => inside.replace(/(===|\?\?) '[^']*'/g, '')).flatMap((inside) => inside.split('?').slice(inside.includes('?') ? 1 : 0).flatMap((part) => [...part.matchAll(/'([a-z][a-z0-9-]*)'/g)].map((m) => m[1] ?? '')));
const families = [...new Set([...calls.flatMap((inside) => [...inside.matchAll(/`([a-z-]+-)\$\{/g)].map((m) => m[1] ?? '')), ...[...sources.matchAll(/\bterm\('([a-z-]+)'/g)].map((m) => `${m[1]}-`)])];

test('the screens say something at all, so that this test can fail', () => {
  expect(said.length).toBeGreaterThan(250);
  expect(families.length).toBeGreaterThan(15);
});
test('every message that is said is in the English catalogue', () => { expect([...new Set(said)].filter((key) => !english.includes(key))).toEqual([]); });
test('every family of messages has members', () => { expect(families.filter((family) => !english.some((key) => key.startsWith(family)))).toEqual([]); });
test('every key of the keyboard is explained', () => { expect(KEYS.flatMap(([place, rows]) => [`keys-${place}`, ...rows.map(([, does]) => `key-${does}`)]).filter((key) => !english.includes(key))).toEqual([]); });
test('no message stands twice', () => {
  for (const keys of [english, afrikaans]) expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});
test('every message parses', () => {
  for (const language of ['en', 'af']) {
    const parsed = new Set(new FluentResource(catalogue(language)).body.map((m) => m.id));
    expect(keysOf(catalogue(language)).filter((key) => !parsed.has(key)), language).toEqual([]);
  }
});
test('no English message is there for nothing', () => {
  const used = (key: string) => said.includes(key) || families.some((family) => key.startsWith(family)) || sources.includes(`'${key}'`) || new RegExp(`^(key|keys|why)-`).test(key);
  expect(english.filter((key) => !used(key))).toEqual([]);
});
test('Afrikaans says nothing that English does not', () => { expect(afrikaans.filter((key) => !english.includes(key))).toEqual([]); });
test('Afrikaans takes the same values as English', () => {
  const values = (text: string, key: string) => [...new Set([...(new RegExp(`^${key} =((?:.|\\n(?=[ ]))*)`, 'm').exec(text)?.[1] ?? '').matchAll(/\$(\w+)/g)].map((m) => m[1]))].sort();
  for (const key of afrikaans) expect(values(catalogue('af'), key), key).toEqual(values(catalogue('en'), key));
});
test('what Afrikaans lacks is listed, and the pages that it must have are whole', () => {
  const lacks = english.filter((key) => !afrikaans.includes(key));
  if (lacks.length) console.log(`Afrikaans lacks ${lacks.length} of ${english.length}: ${lacks.join(' ')}`);
  const must = /^(sign-in|password|totp-|problem-|nav-|search|asked-|filters|direction|side|method|found|empty-|col-|select|export-|gap|integrity-|play|pause|position|speed|loop|bookmark|link-moment|cause-|note|tag|hold|end-|key)/;
  expect(lacks.filter((key) => must.test(key))).toEqual([]);
});
test('a message that is nowhere shows its key, not nothing', () => { expect(bundleOf('en', 'a = b').hasMessage('c')).toBe(false); });
