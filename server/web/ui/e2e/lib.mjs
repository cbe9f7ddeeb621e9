// What the walks share: a browser, a person's codes, pictures, axe. Plain node and playwright-core; nothing is downloaded.
import { AxeBuilder } from '@axe-core/playwright';
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { webkit } from './webkit.mjs';

export const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'];

/** How Debian's Chromium is started. */
export const LAUNCH = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
};

/** Starts it; a self-signed certificate is accepted, since its fingerprint is compared elsewhere. */
export const browser = () => chromium.launch(LAUNCH);

/** Opens a page whose errors are kept: a page that breaks a policy or throws is no working page. */
export async function page(context, faults) {
  const made = await context.newPage();
  made.on('pageerror', (e) => faults.push(`error on the page: ${e.message}`));
  made.on('console', (m) => { if (m.type() === 'error' && !/status of (400|401|403|404|409|412|422|429|503)/.test(m.text())) faults.push(`console: ${m.text()}`); });
  return made;
}

/** The six digits of an authenticator app (RFC 6238, SHA-1, 30 s). */
export function totp(secret, at_ms = Date.now()) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = '';
  for (const c of secret.toUpperCase().replace(/[\s=]/g, '')) bits += alphabet.indexOf(c).toString(2).padStart(5, '0');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at_ms / 30_000)));
  const mac = createHmac('sha1', key).update(step).digest(), from = mac[19] & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/**
 * Opens a page in the engine that ENGINE names. `faults` gets what the page complains of (in WebKit when it is closed); `before` runs in
 * each new page before the person touches it.
 */
export async function open(faults, before) {
  if (process.env.ENGINE === 'webkit') return webkit(faults, before);
  const b = await browser();
  const context = await b.newContext({ colorScheme: 'light', locale: 'en-GB', ignoreHTTPSErrors: true });
  await context.addInitScript(before);
  return { page: await page(context, faults), engine: `Chromium ${b.version()}`, close: () => b.close() };
}

/** Does what makes the browser save a file, and returns the file. */
export async function saved(of, act) {
  if (of.downloads) {
    await act();
    for (let i = 0; i < 600; i++) {
      const [name] = readdirSync(of.downloads).filter((n) => !n.endsWith('.wkdownload'));
      if (name) return readFileSync(join(of.downloads, name));
      await of.waitForTimeout(100);
    }
    throw new Error('the browser saved no file within a minute');
  }
  const coming = of.waitForEvent('download', { timeout: 60_000 });
  await act();
  return readFileSync(await (await coming).path());
}

/** Takes a picture into a folder, when one is asked for. */
export async function shot(of, folder, name) {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await of.screenshot({ path: join(folder, `${name}.png`) });
}

/** Runs axe for WCAG 2.2 A and AA; returns what it found, in words. In Chromium only: what it reads is the same in every engine. */
export async function axe(of, name) {
  if (process.env.ENGINE === 'webkit') return [];
  const { violations } = await new AxeBuilder({ page: of }).withTags(WCAG).analyze();
  return violations.flatMap((v) => v.nodes.map((n) => `${name}: ${v.id}: ${v.help}: ${n.target.join(' ')} ${n.failureSummary?.split('\n').slice(1).join(' ') ?? ''}`));
}

/** Steps of a walk: each is named, timed, and told when it fails; the walk goes on, so that one run tells everything. */
export function walk(title, only = '') {
  const failed = [];
  let count = 0;
  return {
    async step(name, work) {
      if (only && !new RegExp(`signs in by|opens and plays|${only}`).test(name)) return true;
      const began = Date.now();
      count++;
      try {
        const said = await work();
        console.log(`ok    ${name}${said ? `: ${said}` : ''} (${Date.now() - began} ms)`);
        return true;
      } catch (error) {
        failed.push(name);
        console.log(`FAIL  ${name}: ${String(error?.message ?? error).split('\n').slice(0, 6).join(' | ')}`);
        return false;
      }
    },
    end() {
      console.log(failed.length ? `${title}: ${failed.length} of ${count} steps failed: ${failed.join('; ')}` : `${title}: all ${count} steps went well`);
      process.exitCode = failed.length ? 1 : 0;
    },
  };
}

export function must(holds, said) { if (!holds) throw new Error(said); }
