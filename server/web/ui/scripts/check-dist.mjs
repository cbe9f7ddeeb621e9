// Holds what was built against what the server promises: nothing inline in the page, no address of somebody else, and the size budget.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

// What comes before the first page is seen, and all pages and languages together.
const FIRST_KIB = 90, BUDGET_KIB = 160;
const dist = new URL('../dist/', import.meta.url).pathname;
const fail = (text) => { console.error(`check-dist: ${text}`); process.exitCode = 1; };

const page = readFileSync(join(dist, 'index.html'), 'utf8');
if (/<script(?![^>]*\bsrc=)[^>]*>/.test(page)) fail('index.html holds an inline script, which the content security policy refuses');
if (/<style|\sstyle=/.test(page)) fail('index.html holds an inline style, which the content security policy refuses');

let all = 0, first = gzipSync(page, { level: 9 }).length;
const named = new Set([...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]));
for (const name of readdirSync(dist, { recursive: true }).map(String).sort()) {
  if (!/\.(js|css)$/.test(name)) continue;
  const bytes = readFileSync(join(dist, name));
  const text = bytes.toString('utf8');
  const packed = gzipSync(bytes, { level: 9 }).length;
  all += packed;
  if (named.has(name)) first += packed;
  console.log(`${name.padEnd(40)} ${(packed / 1024).toFixed(1).padStart(6)} KiB gzip`);
  for (const [url] of text.matchAll(/https?:\/\/[a-z0-9.-]+/gi)) {
    if (!/^https?:\/\/(www\.w3\.org|svelte\.dev)$/.test(url)) fail(`${name} names ${url}: the console talks to its own server only`);
  }
  if (/\beval\(|new Function\(/.test(text)) fail(`${name} makes code from text, which the content security policy refuses`);
  if (/<[a-z][^<>"'`]*\sstyle=/.test(text)) fail(`${name} sets a style attribute by HTML, which the content security policy refuses`);
}
console.log(`before the first page ${(first / 1024).toFixed(1)} of ${FIRST_KIB} KiB gzip`);
if (first > FIRST_KIB * 1024) fail(`the first load is over ${FIRST_KIB} KiB: make parts of it come when they are asked for`);
console.log(`together ${(all / 1024).toFixed(1)} of ${BUDGET_KIB} KiB gzip`);
if (all > BUDGET_KIB * 1024) fail(`over the budget of ${BUDGET_KIB} KiB`);
