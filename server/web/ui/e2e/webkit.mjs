// WebKit as Debian brings it: MiniBrowser of WebKitGTK, driven by W3C WebDriver over plain HTTP. No module is needed.
//
// It answers to the few calls of Playwright's page that the walk makes, so that one walk serves both engines; what is not used is not
// here. Elements are looked for inside the page by css, role and name, text, test id. Clicks and keys go through the driver: for the page
// they are a person's, which sound needs. Debian: webkit2gtk-driver, xvfb, dbus; for sound gstreamer1.0-plugins-base and -good.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inPage } from './find.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf', BROWSERS = ['4.1', '6.0', '4.0'];
const KEYS = { Enter: '\uE007', Tab: '\uE004', Escape: '\uE00C', Home: '\uE011', End: '\uE010', ArrowLeft: '\uE012', ArrowUp: '\uE013', ArrowRight: '\uE014', ArrowDown: '\uE015', Shift: '\uE008', Space: ' ' };
const sleep = (ms) => new Promise((go) => { setTimeout(go, ms); });
const freePort = () => new Promise((go) => { const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => go(port)); }); });

/** Where Debian keeps MiniBrowser; null when it is not installed. */
const miniBrowser = () => ['/usr/lib', ...readdirSync('/usr/lib').filter((d) => d.includes('-linux-')).map((d) => `/usr/lib/${d}`)]
  .flatMap((d) => BROWSERS.map((v) => `${d}/webkit2gtk-${v}/MiniBrowser`).concat(`${d}/webkitgtk-6.0/MiniBrowser`)).find(existsSync) ?? null;

/** Starts screen, bus, driver and browser; `faults` gets what the page complains of. */
export async function webkit(faults, before) {
  const browser = miniBrowser();
  if (!browser) throw new Error('MiniBrowser of WebKitGTK is not installed (Debian: webkit2gtk-driver)');
  const home = mkdtempSync(join(tmpdir(), 'amethyst-webkit-')), log = join(home, 'page.log'), started = [];
  // In a group of its own, so that nothing of it outlives the walk: the next one would talk to the old driver.
  const start = (program, args, stdio, env = process.env) => { const child = spawn(program, args, { stdio, env, detached: true }); started.push(child); return child; };
  const stop = () => {
    for (const child of started.reverse()) try { process.kill(-child.pid, 'SIGTERM'); } catch { /* it has ended */ }
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  process.once('exit', stop);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

  mkdirSync(join(home, '.config'));
  mkdirSync(join(home, 'downloads'));
  writeFileSync(join(home, '.config/user-dirs.dirs'), 'XDG_DOWNLOAD_DIR="$HOME/downloads"\n');
  // The driver keeps what the browser says to itself; the page's complaints are wanted.
  writeFileSync(join(home, 'browser'), `#!/bin/sh\nexec ${browser} --enable-write-console-messages-to-stdout=true "$@" >${log} 2>&1\n`, { mode: 0o755 });
  writeFileSync(log, '');
  const screen = start('Xvfb', ['-displayfd', '3', '-screen', '0', '3840x2400x24', '-nolisten', 'tcp'], ['ignore', 'ignore', 'ignore', 'pipe']);
  const display = await new Promise((go, no) => { screen.once('error', no); screen.once('exit', () => no(new Error('Xvfb ended'))); screen.stdio[3].once('data', (d) => go(String(d).trim())); });
  const port = await freePort();
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), XDG_CACHE_HOME: join(home, '.cache'), XDG_DATA_HOME: join(home, '.data'), DISPLAY: `:${display}`, NO_AT_BRIDGE: '1', LANGUAGE: 'en_GB', GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1' };
  start('dbus-run-session', ['--', 'WebKitWebDriver', '--host=127.0.0.1', `--port=${port}`], 'ignore', env);

  const ask = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const { value } = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(`${value.error}: ${value.message}`.slice(0, 400)), { code: value.error });
    return value;
  };
  for (let i = 0; ; i++) {
    try { await ask('GET', '/status'); break; } catch (error) { if (i === 100) throw error; await sleep(100); }
  }
  const session = await ask('POST', '/session', { capabilities: { alwaysMatch: { acceptInsecureCerts: true, pageLoadStrategy: 'normal', 'webkitgtk:browserOptions': { binary: join(home, 'browser'), args: ['--automation'] } } } });
  const at = `/session/${session.sessionId}`, call = (method, path, body) => ask(method, at + path, body);
  await call('POST', '/timeouts', { script: 60_000, pageLoad: 60_000 });
  return {
    page: new Page(call, before, join(home, 'downloads')),
    engine: `WebKitGTK ${session.capabilities.browserVersion}`,
    async close() {
      const said = readFileSync(log, 'utf8').split('\n').filter((l) => /^CONSOLE .*(ERROR|Refused|violat)/i.test(l) && !/status of (400|401|403|404|409|412|422|429|503)/.test(l));
      faults.push(...said);
      await call('DELETE', '').catch(() => undefined);
      process.removeListener('exit', stop);
      stop();
    },
  };
}

class Page {
  timeout_ms = 15_000;
  constructor(call, before, downloads) {
    Object.assign(this, { call, before, downloads });
    const press = async (keys) => {
      const parts = keys.split('+').map((k) => KEYS[k] ?? k), act = (type, value) => ({ type, value });
      const actions = [...parts.map((k) => act('keyDown', k)), ...parts.reverse().map((k) => act('keyUp', k))];
      await call('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
    };
    this.keyboard = { press, type: async (text) => { for (const c of text) await press(c); } };
    this.mouse = {
      click: (x, y) => call('POST', '/actions', { actions: [{ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions: [{ type: 'pointerMove', x: Math.round(x), y: Math.round(y), duration: 0 }, { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 }] }] }),
    };
  }
  setDefaultTimeout(ms) { this.timeout_ms = ms; }
  waitForTimeout(ms) { return sleep(ms); }
  async goto(url) { await this.call('POST', '/url', { url }); await this.evaluate(this.before); }
  async goBack() { await this.call('POST', '/back', {}); }
  async evaluate(work, given = null) {
    const script = `const done = arguments[arguments.length - 1]; Promise.resolve().then(() => (${work})(arguments[0])).then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.call('POST', '/execute/async', { script, args: [given] });
    if (error) throw new Error(error);
    return value;
  }
  /** What is shown may be a frame behind what stands in the document. */
  async screenshot({ path }) { await this.evaluate(() => new Promise((go) => { requestAnimationFrame(() => requestAnimationFrame(() => go())); })); writeFileSync(path, Buffer.from(await this.call('GET', '/screenshot'), 'base64')); }
  /** The window's least width is GTK's matter (some 450 px, so 360 are not reached); its bar takes its part of the height. */
  async setViewportSize({ width, height }) {
    const inner = () => this.evaluate(() => [innerWidth, innerHeight]), bar = 38;
    await this.call('POST', '/window/rect', { width, height: height + bar });
    for (let i = 0; i < 20 && Math.abs((await inner())[0] - width) > 100; i++) await sleep(100);
  }
  /** WebKitGTK asks the desktop, and here is none: the person's own choice in the console does the same. */
  emulateMedia({ colorScheme }) { return this.evaluate((theme) => { localStorage.setItem('amethyst.theme', theme); document.documentElement.dataset.theme = theme; }, colorScheme); }

  locator(css, { hasText } = {}) { return new Locator(this, [{ css }, ...(hasText ? [{ hasText: pattern(hasText) }] : [])]); }
  getByRole(role, { name, exact = false } = {}) { return new Locator(this, [{ role, name: name === undefined ? null : pattern(name, exact) }]); }
  getByText(text, { exact = false } = {}) { return new Locator(this, [{ text: pattern(text, exact) }]); }
  getByTestId(id) { return new Locator(this, [{ css: `[data-testid="${id}"]` }]); }
  fill(css, text) { return this.locator(css).fill(text); }
  selectOption(css, value) { return this.locator(css).selectOption(value); }
}

/** A text or a pattern, in a form that can travel into the page. */
const pattern = (of, exact = false) => (of instanceof RegExp ? { source: of.source, flags: of.flags } : { text: of, exact });

/** Elements described, not found: they are looked for anew at each use, as in Playwright. */
class Locator {
  constructor(page, steps) { Object.assign(this, { page, steps }); }
  with(step) { return new Locator(this.page, [...this.steps, step]); }
  first() { return this.with({ nth: 0 }); }
  last() { return this.with({ nth: -1 }); }
  or(other) { return this.with({ or: other.steps }); }
  locator(css) { return this.with({ css }); }
  getByText(text, { exact = false } = {}) { return this.with({ text: pattern(text, exact) }); }

  /** Runs `work` in the page over the elements found. */
  on(work, given = null) { return this.page.evaluate(`({ steps, given }) => (${work})((${inPage})(steps), given)`, { steps: this.steps, given }); }
  count() { return this.on((all) => all.length); }
  isVisible() { return this.on((all) => all.some((e) => e.tagName === 'OPTION' || e.checkVisibility({ visibilityProperty: true }))); }
  async waitFor({ timeout = this.page.timeout_ms, state = 'visible' } = {}) {
    for (const by = Date.now() + timeout; ; await sleep(60)) {
      // A page that is just being left cannot be asked.
      if ((await this.isVisible().catch(() => null)) === (state === 'visible')) return;
      if (Date.now() > by) throw new Error(`not ${state} within ${timeout} ms: ${JSON.stringify(this.steps)}`);
    }
  }
  async ready(work, given) { await this.waitFor(); return this.on(work, given); }
  evaluate(work, given = null) { return this.page.evaluate(`({ steps, given }) => { const [e] = (${inPage})(steps); if (!e) throw new Error('not there: ' + JSON.stringify(steps)); return (${work})(e, given); }`, { steps: this.steps, given }); }
  async textContent() { await this.waitForAny(); return this.evaluate((e) => e.textContent); }
  getAttribute(name) { return this.evaluate((e, n) => e.getAttribute(n), name); }
  inputValue() { return this.ready((all) => all[0].value); }
  boundingBox() { return this.evaluate((e) => { const { x, y, width, height } = e.getBoundingClientRect(); return { x, y, width, height }; }); }
  focus() { return this.ready((all) => all[0].focus()); }
  async waitForAny() { for (const by = Date.now() + this.page.timeout_ms; !(await this.count()); await sleep(60)) if (Date.now() > by) throw new Error(`not there: ${JSON.stringify(this.steps)}`); }

  /** The driver's handle of the first visible element. */
  async handle() {
    await this.waitFor();
    // An option of a closed list is nowhere to be seen, and can be chosen.
    const script = `return (${inPage})(arguments[0]).find((e) => e.tagName === 'OPTION' || e.checkVisibility({ visibilityProperty: true }))`;
    return (await this.page.call('POST', '/execute/sync', { script, args: [this.steps] }))[ELEMENT];
  }
  /** Tries again while the page redraws what was just found or something still lies over it. */
  async act(work) {
    for (const by = Date.now() + this.page.timeout_ms; ; await sleep(100)) {
      try { return await work(await this.handle()); } catch (error) {
        if (!['stale element reference', 'element click intercepted', 'element not interactable', 'no such element'].includes(error.code) || Date.now() > by) throw error;
      }
    }
  }
  click() { return this.act((id) => this.page.call('POST', `/element/${id}/click`, {})); }
  fill(text) { return this.act(async (id) => { await this.page.call('POST', `/element/${id}/clear`, {}); if (text) await this.page.call('POST', `/element/${id}/value`, { text }); }); }
  selectOption(value) { return this.locator(`option[value="${value}"]`).act((id) => this.page.call('POST', `/element/${id}/click`, {})); }
}
