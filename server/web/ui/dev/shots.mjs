// A development aid: pictures of every page against dev/mock.mjs, light and dark, wide and narrow, and what axe says of them.
//   node dev/mock.mjs & node dev/shots.mjs [FOLDER] [only this page]        AXE=0: pictures only
import { axe, browser, page, shot } from '../e2e/lib.mjs';

const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8099', folder = process.argv[2] ?? 'shots', only = process.argv[3];
const id = '0192f3a1-0000-7000-8000-000000000000';
const PAGES = { recordings: '/recordings', search: '/recordings?q=mokoena+last+week&gap=1', open: `/recordings?open=${id}#t=18`, live: '/live', ledger: '/ledger', audit: '/audit', archive: '/archive', satellites: '/satellites', site: '/settings/site', users: '/settings/users/u1', usernew: '/settings/users/new', sources: '/settings/sources', rules: '/settings/rules', groups: '/settings/groups', recording: '/settings/recording', account: '/account', about: '/about', start: '/start', lost: '/nowhere' };
const b = await browser(), faults = [];
const judged = (of, name) => (process.env.AXE === '0' ? [] : axe(of, name));
for (const [scheme, width, height] of [['light', 1440, 900], ['dark', 1440, 900], ['light', 360, 740]]) {
  const context = await b.newContext({ viewport: { width, height }, colorScheme: scheme, locale: process.env.LANGUAGE_OF ?? 'en-GB' });
  const p = await page(context, faults);
  const name = (of) => `${of}-${scheme}-${width}`;
  await p.goto(`${BASE}/sign-in`);
  await p.getByLabel('Name').or(p.getByLabel('Naam')).first().waitFor();
  if (!only) { await shot(p, folder, name('sign-in')); faults.push(...await judged(p, name('sign-in'))); }
  if (!only) { await p.goto(`${BASE}/sign-in#abcdefghijklmnopqrstuvwx`); await p.locator('#new').waitFor(); await shot(p, folder, name('link')); await p.fill('#new', 'correct horse battery'); await p.fill('#again', 'correct horse battery'); await p.keyboard.press('Enter'); await p.locator('#code').waitFor(); await shot(p, folder, name('totp')); faults.push(...await judged(p, name('totp'))); }
  await p.goto(`${BASE}/sign-in`);
  await p.fill('#name', 'ann'); await p.fill('#password', 'mock'); await p.keyboard.press('Enter');
  await p.waitForURL((u) => !u.pathname.startsWith('/sign-in'));
  for (const [of, path] of Object.entries(PAGES)) {
    if (only && only !== of) continue;
    await p.goto(BASE + path);
    await p.waitForTimeout(of === 'open' ? 1500 : 900);
    await shot(p, folder, name(of));
    faults.push(...await judged(p, name(of)));
  }
  await context.close();
}
await b.close();
console.log(faults.length ? faults.join('\n') : 'no faults');
process.exitCode = faults.length ? 1 : 0;
