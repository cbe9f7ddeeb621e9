// Measures the console in Chromium: first paint of a cold browser, and frames while a long list is scrolled. Prints JSON; judges only when asked to.
//
//   BASE_URL NAME PASSWORD [TOTP_SECRET]   as in console.mjs
//   FRAMES=400    frames to scroll through      JUDGE=1   exit code 1 when first paint is over 1 s or the median frame over 17.5 ms
import { browser, totp } from './lib.mjs';

const BASE = (process.env.BASE_URL ?? 'https://127.0.0.1:8443').replace(/\/$/, ''), frames = Number(process.env.FRAMES ?? 400);
const paints = [];
let scrolled = null;
for (let run = 0; run < 3; run++) {
  const b = await browser();
  const context = await b.newContext({ viewport: { width: 1440, height: 900 }, ignoreHTTPSErrors: true }), p = await context.newPage();
  await p.goto(`${BASE}/sign-in`);
  await p.locator('#name').waitFor();
  paints.push(Math.round(await p.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN)));
  if (run === 2) {
    await p.fill('#name', process.env.NAME ?? 'admin');
    await p.fill('#password', process.env.PASSWORD ?? '');
    await p.keyboard.press('Enter');
    await p.locator('.frame').or(p.locator('#code')).first().waitFor();
    if (await p.locator('#code').isVisible()) { await p.fill('#code', totp(process.env.TOTP_SECRET ?? '')); await p.keyboard.press('Enter'); }
    await p.locator('.frame').waitFor();
    await p.goto(`${BASE}/recordings`);
    await p.locator('#list .row').first().waitFor();
    scrolled = await p.evaluate(async (count) => {
      const list = document.getElementById('list'), times = [];
      let last = await new Promise(requestAnimationFrame);
      for (let i = 0; i < count; i++) {
        list.scrollTop += 400;
        const now = await new Promise(requestAnimationFrame);
        times.push(now - last);
        last = now;
      }
      times.sort((a, b) => a - b);
      return { median_ms: times[count >> 1], p95_ms: times[Math.floor(count * 0.95)], longest_ms: times.at(-1), elements: document.querySelectorAll('*').length, rows_passed: Number(document.querySelector('#list .rows .row')?.getAttribute('aria-rowindex')) };
    }, frames);
  }
  await b.close();
}
const first_paint_ms = paints.sort((a, b) => a - b)[1];
console.log(JSON.stringify({ first_paint_ms, ...scrolled }));
if (process.env.JUDGE === '1' && !(first_paint_ms < 1000 && scrolled.median_ms <= 17.5)) process.exitCode = 1;
