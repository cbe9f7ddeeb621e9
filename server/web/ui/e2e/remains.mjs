// What a browser still holds of a recording after its person has signed out: memory of its processes, what its pages can reach, its folder.
// The same search is made while the recording plays, and in a folder in which its sound was put, so that finding nothing says something.
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { LAUNCH } from './lib.mjs';

/** Octets of sound that are looked for, and how many places of a recording are tried. */
const PIECE = 192, PIECES = 10;

/** The whole of a recording as the server gives it to whoever has these cookies, without a browser. */
const fetched = (url, cookies) => new Promise((done, failed) => {
  get(url, { rejectUnauthorized: false, headers: { cookie: cookies.map((c) => `${c.name}=${c.value}`).join('; ') } }, (answer) => {
    const parts = [];
    answer.on('data', (part) => parts.push(part));
    answer.on('end', () => (answer.statusCode === 200 ? done(Buffer.concat(parts)) : failed(new Error(`${url}: ${answer.statusCode}`))));
  }).on('error', failed);
});

/** Pieces of a WAV that cannot stand anywhere by chance: silence is left out. */
export function pieces(wav) {
  const found = [], step = Math.floor((wav.length - 44 - PIECE) / PIECES);
  for (let at = 44 + step; found.length < PIECES && at + PIECE < wav.length; at += Math.max(step, PIECE)) {
    const piece = wav.subarray(at, at + PIECE);
    if (new Set(piece).size > 48) found.push(piece);
  }
  return found;
}

/** Processes of the browser that has this profile folder. */
const processes = (profile) => readdirSync('/proc').filter((name) => {
  if (!/^\d+$/.test(name)) return false;
  try { return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(`--user-data-dir=${profile}`); } catch { return false; }
});

/** Every process with its parent. */
const family = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
  // Behind the name of the program, which may hold anything: state, parent.
  try { return [[name, readFileSync(`/proc/${name}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ')[1]]]; } catch { return []; }
});

/** What a process of the browser is for, as its command line says. */
const kind = (pid) => {
  try { return /--utility-sub-type=([\w.]+)|--type=([\w-]+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))?.slice(1).find(Boolean) ?? 'browser'; } catch { return 'gone'; }
};

/** Which of the pieces stand in the memory of a browser, processes that share its profile and all they made, and in which of them. */
function inMemory(profile, wanted) {
  const parents = new Set(processes(profile)), table = family();
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of table) if (parents.has(parent) && !parents.has(pid)) { parents.add(pid); grown = true; }
  }
  const seen = new Set(), where = new Set(), chunk = Buffer.allocUnsafe(8 << 20);
  for (const pid of parents) {
    let maps, mem;
    try { maps = readFileSync(`/proc/${pid}/maps`, 'latin1'); mem = openSync(`/proc/${pid}/mem`, 'r'); } catch { continue; }
    for (const line of maps.split('\n')) {
      const [, low, high, mode, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? [];
      // Programs and libraries are no memory of sound, nor what the kernel shows.
      if (!low || !mode.startsWith('rw') || /\.so|\/usr\/|\[v/.test(name)) continue;
      for (let at = BigInt(`0x${low}`), end = BigInt(`0x${high}`); at < end; at += BigInt(chunk.length - PIECE)) {
        const length = Number(end - at < BigInt(chunk.length) ? end - at : BigInt(chunk.length));
        let read = 0;
        try { read = readSync(mem, chunk, 0, length, at); } catch { break; }
        const some = chunk.subarray(0, read);
        wanted.forEach((piece, n) => { if (some.includes(piece)) { seen.add(n); where.add(`${kind(pid)} ${name || 'heap'}`); } });
      }
    }
    closeSync(mem);
  }
  return { found: seen.size, where: [...where] };
}

/**
 * Waits until none of the pieces stands in the memory, for a minute at most: the process of the page that played ends when its browser
 * likes to, and on a busy machine that takes its time. In that minute the page is loaded again, as somebody does who wants to sign in.
 */
async function gone(page, profile, wanted) {
  const end = Date.now() + 60_000;
  for (;;) {
    const left = inMemory(profile, wanted);
    if (left.found === 0 || Date.now() > end) return left;
    await page.waitForTimeout(1_000);
    await page.reload();
    await page.locator('#name').waitFor();
  }
}

/** Files below a folder in which one of the pieces stands. */
function onDisk(folder, wanted) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return all.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).filter((path) => {
    try { const bytes = readFileSync(path); return wanted.some((piece) => bytes.includes(piece)); } catch { return false; }
  });
}

/** Octets that scripts of the page can still reach: sound that was decoded, and buffers of more than 64 KiB. */
async function reachable(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  let octets = 0;
  for (const [kind, of] of [['ArrayBuffer', 'b.byteLength > 65536 ? b.byteLength : 0'], ['AudioBuffer', 'b.length * b.numberOfChannels * 4'], ['HTMLAudioElement', 'b.currentSrc ? 1 : 0']]) {
    const { result: prototype } = await cdp.send('Runtime.evaluate', { expression: `${kind}.prototype` });
    const { objects } = await cdp.send('Runtime.queryObjects', { prototypeObjectId: prototype.objectId });
    const { result } = await cdp.send('Runtime.callFunctionOn', { objectId: objects.objectId, functionDeclaration: `function () { return this.reduce((sum, b) => sum + (${of}), 0); }`, returnByValue: true });
    octets += result.value;
  }
  return octets;
}

/** Plays a recording in a browser of its own, signs out, and tells what is left: { playing, memory, where, reachable, disk, control, pieces }. */
export async function remains(base, cookies, id) {
  const profile = mkdtempSync(join(tmpdir(), 'amethyst-profile-'));
  const wav = await fetched(`${base}/api/v1/recordings/${id}/audio?legs=both&format=wav`, cookies), wanted = pieces(wav);
  const context = await chromium.launchPersistentContext(profile, { ...LAUNCH, ignoreHTTPSErrors: true, locale: 'en-GB' });
  try {
    await context.addCookies(cookies);
    const page = context.pages()[0] ?? await context.newPage();
    await page.goto(`${base}/recordings?open=${id}`);
    await page.getByTestId('play').click();
    await page.waitForFunction(() => (document.querySelector('audio')?.currentTime ?? 0) > 1.5, undefined, { timeout: 20_000 });
    const playing = inMemory(profile, wanted).found;
    await page.locator('.person button').first().click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('#name').waitFor();
    const { found: memory, where } = await gone(page, profile, wanted);
    const left = await reachable(page);
    const disk = onDisk(profile, wanted);
    await context.close();
    disk.push(...onDisk(profile, wanted));
    writeFileSync(join(profile, 'control'), wav);
    const control = onDisk(profile, wanted).length;
    return { playing, memory, where, reachable: left, disk, control, pieces: wanted.length };
  } finally {
    await context.close().catch(() => undefined);
    rmSync(profile, { recursive: true, force: true });
  }
}
