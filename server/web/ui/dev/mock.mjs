// A DEVELOPMENT AID, never a test: pretends to be the server, so that pages can be drawn with no server near. What it answers is made up.
// The end-to-end walk (e2e/) runs against the real program only.
//
//   node dev/mock.mjs            serves /api on 127.0.0.1:8099, and dist/ with the server's content security policy
//   npm run dev                  the same behind Vite with reloading
// Sign in with any name and the password `mock`. ROLE=supervisor changes the role, SETUP=open shows the assistant, EMPTY=1 an empty site.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

const PORT = Number(process.env.PORT ?? 8099), ZONE = 'Africa/Johannesburg', TOTAL = process.env.EMPTY ? 0 : 12_000, RATE = 8000;
const dist = new URL('../dist/', import.meta.url).pathname;
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const began = Date.now();
const role = process.env.ROLE ?? 'administrator';
const ACTS = { administrator: 'search play export label hold release live ledger audit users sessions settings archive satellites test_call', supervisor: 'search play export label hold live ledger', auditor: 'search play export ledger audit', agent: 'search play' };

const dice = (n, salt = 0) => { let x = (Math.imul(n + 1, 2654435761) ^ Math.imul(salt + 7, 40503)) >>> 0; x ^= x >>> 15; x = Math.imul(x, 2246822519) >>> 0; x ^= x >>> 13; return (x >>> 0) / 2 ** 32; };
const NAMES = ['Ann Mokoena', 'J. van der Merwe', 'Priya Naidoo', 'Thabo Dlamini', 'Sarah Botha', 'Control room', 'Fire station 4', 'Reception', null, null, 'S. Khumalo', 'Dealing desk 2'];
const CAUSES = ['lost-in-network', 'lost-by-recorder', 'paused', 'silence-suppressed', 'undecodable'];
const iso = (ms) => { const d = new Date(ms + 2 * 3600e3).toISOString().slice(0, 23); return `${d}+02:00`; };
const party = (n, inside) => inside ? { number: String(200 + Math.floor(dice(n, 3) * 40)), name: NAMES[Math.floor(dice(n, 4) * NAMES.length)], extension: String(200 + Math.floor(dice(n, 3) * 40)) } : { number: `+2711555${String(Math.floor(dice(n, 5) * 10000)).padStart(4, '0')}`, name: NAMES[Math.floor(dice(n, 6) * NAMES.length)], extension: null };
const changed = new Map();

function row(n) {
  if (changed.has(n)) return changed.get(n);
  const started = began - 60e3 - n * 41e3 - Math.floor(dice(n) * 30e3), out = dice(n, 1) > 0.5, gap = dice(n, 8) > 0.86, held = dice(n, 9) > 0.97;
  const day = iso(started).slice(2, 10).replaceAll('-', ''), partly = dice(n, 10) > 0.95;
  const of = {
    id: `0192f3a1-0000-7000-8000-${String(n).padStart(12, '0')}`, reference: `A${day}-${String(250_000 - n).padStart(6, '0')}`, external_reference: n % 17 === 0 ? `CRM-${40000 + n}` : null,
    started_at: iso(started), started_at_us: started * 1000, duration_ms: n === 0 ? 62_000 : Math.floor(8e3 + dice(n, 2) ** 3 * 900e3), direction: n % 11 === 0 ? 'internal' : out ? 'out' : 'in', method: 'voip', side: n % 5 ? 'trunk' : 'extension',
    tap: n % 5 ? 'main trunk' : 'extension mirror', caller: party(n, out), called: party(n + 1, !out), others: [], end: partly ? 'partly(recorder-loss)' : 'recorded', end_reason: 'bye', orphan: false,
    has_gap: gap || n === 0, gap_ms: gap || n === 0 ? 1400 + Math.floor(dice(n, 11) * 9000) : 0, held, tags: n % 9 === 0 ? ['complaint'] : n % 13 === 0 ? ['call back', 'vip'] : [], subject: n % 21 === 0 ? 'Refund of an order' : null, comment: null,
    codecs: ['PCMA', 'PCMA'], playable: true, integrity: n % 97 === 5 ? 'damaged' : n % 53 === 7 ? 'recovered' : 'sealed',
    notes: n === 0 ? [{ id: 'n1', at_ms: 21_500, text: 'Promises a call back before noon', author: 'ann', written_at: iso(began), edited: false }, { id: 'n2', at_ms: null, text: 'Heard with the client on the line.', author: 'thabo', written_at: iso(began), edited: true }] : [], hold: held ? { reason: 'Case 2026/114, asked for by legal', by: 'ann', at: iso(began), review: '2027-03-01' } : null,
  };
  changed.set(n, of);
  if (changed.size > 20_000) changed.delete(changed.keys().next().value);
  return of;
}
// What somebody should know: something for information when all is safe, all sorts when it is not.
function archiveNotices() {
  const base = { since: iso(began - 3 * 3600e3), seen_by: null, location: 'Drive A', name: 'Drive A', medium: 'A7', lies_in: "safe in the manager's office", why: '', at: iso(began - 3 * 86400e3), day: '2026-12-20', count: 27, bytes: 41e9 };
  const of = (kind, severity, more = {}) => ({ key: `${kind}/Drive A`, kind, severity, ...base, ...more });
  if ((process.env.ARCHIVE ?? 'safe') !== 'behind') return { notices: process.env.ARCHIVE === 'none' ? [of('no-place', 'warning')] : [of('fills', 'told')] };
  return { notices: [of('unseen', 'urgent', { why: 'nothing is mounted at /media/archive-a' }), of('behind', 'urgent', { count: 3112, bytes: 650e6, seen_by: 'thabo' }), of('logins-short', 'warning', { count: 51 }), of('fills', 'told')] };
}
function archiveDays() {
  const how = process.env.ARCHIVE ?? 'safe', day = (back) => iso(began - back * 86400e3).slice(0, 10);
  return { places: how === 'none' ? 0 : 2, days: Array.from({ length: 60 }, (_, i) => { const back = 59 - i, files = back % 7 === 2 ? 0 : 3000 + back * 11, late = how === 'behind' && back < 4; return { day: day(back), files, proven_in: late ? (back === 0 ? 0 : 1) : back === 0 ? 0 : 2, lacking: back === 0 ? files : late ? files : 0, purged: back > 40 ? Math.floor(files / 2) : 0 }; }) };
}
// The archive: safe, or ARCHIVE=behind, ARCHIVE=none.
function archive() {
  const evening = iso(Math.floor((began - 20 * 3600e3) / 3600e3) * 3600e3), friday = iso(began - 3 * 86400e3), GIB = 2 ** 30, how = process.env.ARCHIVE ?? 'safe', away = how === 'behind';
  const runs = Array.from({ length: 6 }, (_, i) => ({ id: `r${i}`, medium: 'm1', begun_at: iso(began - i * 86400e3), ended_at: iso(began - i * 86400e3 + 700e3), outcome: i === 3 ? 'early' : 'complete', files: 3100 + i * 37, bytes: 1.4 * GIB, message: i === 3 ? 'it was stopped' : '' }));
  const medium = (label, lies_in, due) => ({ id: `m-${label}`, generation: 1, label, lies_in, state: 'good', due_files: due, due_bytes: due * 210_000, proven_at: away ? friday : evening, seen_at: away ? friday : evening, proof: 'counts', verified: label === 'A7' ? { at: friday, well: true, mends: false, files: 184_203, bytes: 412 * GIB, findings: [] } : null });
  const location = (of) => ({ id: of.name, kind: 'usb', path: '/media/archive-a', media_set: 'one', verdict: 'safe', safe_until: evening, connected: true, why: null, seen_at: evening, due_files: 311, due_bytes: 66e6, free_bytes: 812 * GIB, total_bytes: 1863 * GIB, daily_bytes: 1.4 * GIB, full_on: '2028-03-14', running: null, waiting: false, trouble: null, media: [medium('A7', "safe in the manager's office", 311)], runs, stopped_by: null, checking: null, check_trouble: null, drill: { at: friday, well: true, mends: false, files: 20, bytes: 5e6, findings: [] }, logins_until: '2027-12-27', logins_days: 400, removal: null, ...of });
  const gone = { verdict: 'behind', connected: false, why: 'nothing is mounted at /media/archive-a: the folder there is the one below. Mount it', seen_at: friday, due_files: 3112, due_bytes: 650e6, free_bytes: null, total_bytes: null, full_on: null, daily_bytes: null };
  const nas = location({ name: 'NAS in the cellar', kind: 'nfs', path: '/mnt/nas/amethyst', running: { since: iso(began - 90e3), step: 'carry', files: 1204, files_due: 3112, bytes: 260e6, bytes_due: 650e6, bytes_per_second: 41e6, seconds_left: 9, stopping: false } });
  const locations = how === 'none' ? [] : [location({ name: 'Drive A', ...(away && gone) }), nas];
  return { verdict: how, safe_until: away ? null : evening, due_files: away ? 311 : 311, next_run: iso(began + 6 * 3600e3), at: '21:00', continuous: false, locations };
}
const numberOf = (id) => Number(id.slice(24));
const gapsOf = (r) => (r.has_gap ? [{ from_ms: r.duration_ms * 0.3, to_ms: r.duration_ms * 0.3 + r.gap_ms / 2, cause: CAUSES[numberOf(r.id) % 2] }, { from_ms: r.duration_ms * 0.55, to_ms: r.duration_ms * 0.55 + r.gap_ms / 2, cause: 'paused' }] : []);

// Sound: two voices taking turns, syllables of a buzzing tone. Enough to see and hear that something goes on.
function sample(n, leg, at_s) {
  const turn = Math.floor(at_s / 4.1), mine = (turn + leg) % 2 === 0, word = Math.floor(at_s / 0.21);
  if (!mine || dice(word, n + leg) < 0.25 || turn % 5 === 4) return Math.floor((dice(Math.floor(at_s * RATE), leg) - 0.5) * 40);
  const shape = Math.sin(Math.PI * ((at_s / 0.21) % 1)) ** 2, pitch = (leg ? 205 : 118) * (1 + 0.15 * dice(word, 2));
  return Math.floor(9000 * shape * (0.5 + dice(word, 5) / 2) * (Math.sin(2 * Math.PI * pitch * at_s) + 0.4 * Math.sin(2 * Math.PI * pitch * 3.1 * at_s)));
}
const silent = (r, leg, at_ms) => leg === 1 && gapsOf(r).some((g) => at_ms >= g.from_ms && at_ms < g.to_ms);
const wavs = new Map();
function wav(r) {
  if (wavs.has(r.id)) return wavs.get(r.id);
  const n = numberOf(r.id), frames = Math.floor((r.duration_ms / 1000) * RATE), b = Buffer.alloc(44 + frames * 4);
  b.write('RIFF', 0); b.writeUInt32LE(36 + frames * 4, 4); b.write('WAVEfmt ', 8); b.writeUInt32LE(16, 16); b.writeUInt16LE(1, 20); b.writeUInt16LE(2, 22); b.writeUInt32LE(RATE, 24); b.writeUInt32LE(RATE * 4, 28); b.writeUInt16LE(4, 32); b.writeUInt16LE(16, 34); b.write('data', 36); b.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i++) for (let leg = 0; leg < 2; leg++) b.writeInt16LE(silent(r, leg, (i / RATE) * 1000) ? 0 : sample(n, leg, i / RATE), 44 + i * 4 + leg * 2);
  if (wavs.size > 6) wavs.delete(wavs.keys().next().value);
  wavs.set(r.id, b);
  return b;
}
function peaks(r) {
  const b = wav(r), frames = (b.length - 44) / 4; let bucket = 40;
  while (frames / bucket > 8192) bucket *= 2;
  const count = Math.ceil(frames / bucket), out = Buffer.alloc(24 + count * 12);
  out.write('AMXP', 0); out[4] = 1; out[5] = 2; out.writeUInt32LE(RATE, 8); out.writeUInt32LE(bucket, 12); out.writeBigUInt64LE(BigInt(frames), 16);
  for (let k = 0; k < count; k++) for (let leg = 0; leg < 2; leg++) {
    let min = 0, max = 0, sq = 0, c = 0;
    for (let i = k * bucket; i < Math.min(frames, (k + 1) * bucket); i++) { const v = b.readInt16LE(44 + i * 4 + leg * 2); min = Math.min(min, v); max = Math.max(max, v); sq += v * v; c++; }
    const at = 24 + (k * 2 + leg) * 6; out.writeInt16LE(min, at); out.writeInt16LE(max, at + 2); out.writeUInt16LE(Math.floor(Math.sqrt(sq / Math.max(1, c))), at + 4);
  }
  return out;
}

const wallMs = (t) => Date.parse(`${t.length === 10 ? `${t}T00:00` : t}:00+02:00`);
function* matching(q) {
  const oldest = q.get('order') === 'oldest', words = (q.get('q') ?? '').toLowerCase(), number = (q.get('number') ?? '').replace('+', ''), since = q.get('since') ? wallMs(q.get('since')) : -Infinity, until = q.get('until') ? wallMs(q.get('until')) : Infinity;
  const is = (n) => {
    if (number || words || q.size > 0) {
      const r = row(n), at = r.started_at_us / 1000, all = JSON.stringify([r.caller, r.called, r.reference, r.subject, r.tags]).toLowerCase();
      return at >= since && at < until && (!number || all.includes(number)) && (!words || all.includes(words)) && (!q.get('has_gap') || r.has_gap) && (!q.get('held') || r.held) && (!q.get('direction') || q.get('direction').split(',').includes(r.direction)) && (!q.get('side') || q.get('side').includes(r.side)) && (!q.get('method') || q.get('method').includes(r.method)) && (!q.get('tap') || q.get('tap') === r.tap)
        && (!q.get('tag') || r.tags.includes(q.get('tag'))) && (!q.get('reference') || r.reference === q.get('reference')) && (!q.get('extension') || r.caller.extension === q.get('extension') || r.called.extension === q.get('extension')) && (!q.get('min_seconds') || r.duration_ms >= q.get('min_seconds') * 1000) && (!q.get('max_seconds') || r.duration_ms <= q.get('max_seconds') * 1000);
    }
    return true;
  };
  const from = q.get('after') ? Number(q.get('after')) : oldest ? TOTAL - 1 : 0;
  for (let n = from; oldest ? n >= 0 : n < TOTAL; n += oldest ? -1 : 1) if (is(n)) yield n;
}

const users = [['ann', 'Ann Mokoena', 'administrator'], ['thabo', 'Thabo Dlamini', 'supervisor'], ['priya', 'Priya Naidoo', 'auditor'], ['agent7', 'Sarah Botha', 'agent']].map(([name, display, role], i) => ({ id: `u${i}`, name, display, role, scope: { extensions: role === 'agent' ? ['207'] : role === 'supervisor' ? ['200-219'] : [], groups: role === 'supervisor' ? ['sales'] : [], taps: [], days_back: role === 'supervisor' ? 90 : null }, disabled: false, locked_until: i === 3 ? iso(began + 9e5) : null, created_at: iso(began - 9e9), has_totp: i < 2, locale: 'en', has_password: i < 3, link_until: null }));
let settings = { site: { name: 'Kruin control', internal_numbers: ['2**', '31**'] }, recording: { preroll_seconds: 2, idle_seconds: 60, orphans: true, calls_max: 20000, queue_mib: 48, mask_digits: false }, rules: { include: [], exclude: ['299'] }, taps: [{ name: 'main trunk', interface: 'eth1', side: 'trunk' }, { name: 'extension mirror', interface: 'eth2', side: 'extension' }], web: { idle_minutes: { administrator: 15, supervisor: 60, auditor: 60, agent: 60 }, totp: 'required' }, groups: { sales: ['200-209'], control: ['21*'] } };
let version = 1, signedIn = false, display = 'Ann Mokoena', locale = null, tested = null;
const sessions = () => [{ id: 's1', created_at: iso(began), seen_at: iso(Date.now()), address: '10.0.0.14', agent: 'Mozilla/5.0 (X11; Linux x86_64) Chromium/156', current: true }, { id: 's2', created_at: iso(began - 4e6), seen_at: iso(began - 6e5), address: '10.0.0.77', agent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/153', current: false }];
const audits = Array.from({ length: 260 }, (_, i) => ({ number: 260 - i, at: iso(began - i * 97e3), actor: 'u0', actor_name: ['ann', 'thabo', 'priya'][i % 3], session: '9f3c21aa', address: '10.0.0.14', act: ['play', 'search', 'open', 'label', 'sign-in', 'listen-live', 'refused', 'export'][i % 8], object: i % 2 ? row(i).reference : null, outcome: i % 8 === 6 ? 'refused' : 'ok', details: i % 8 === 1 ? { q: 'smith', since: '2026-11-22T00:00' } : {} }));

function board() {
  if (process.env.EMPTY) return { lines: [], taps: [{ name: 'main trunk', interface: 'eth1', state: 'idle', packets_per_s: 0, kernel_drops: 0 }], satellites: [] };
  const states = ['recording', 'recording', 'recording', 'ringing', 'paused', 'recording', 'fault', 'idle', 'idle'], s = Date.now() / 1000;
  return {
    lines: states.map((state, i) => ({ recording_id: ['recording', 'paused', 'fault'].includes(state) ? row(i + 40).id : null, reference: state === 'idle' ? null : row(i).reference, satellite: i % 4 === 1 ? 'South branch' : null, tap: i % 3 ? 'main trunk' : 'extension mirror', side: i % 3 ? 'trunk' : 'extension', state, started_at: state === 'idle' ? null : iso(began - 60e3 * (i + 1)), seconds: state === 'idle' ? 0 : Math.floor((Date.now() - began) / 1000) + 60 * (i + 1), caller: state === 'idle' ? null : row(i + 40).caller, called: state === 'idle' ? null : row(i + 40).called, direction: row(i).direction, codecs: state === 'idle' ? [] : ['PCMA'], level_dbfs: state === 'recording' ? [-20 - 18 * Math.abs(Math.sin(s + i)), -26 - 20 * Math.abs(Math.cos(s * 1.3 + i))] : null, listenable: state === 'recording' && i !== 2, fault: state === 'fault' ? 'Only one direction of the call arrives' : null })),
    taps: [{ name: 'main trunk', interface: 'eth1', state: 'up', packets_per_s: 402, kernel_drops: 0 }, { name: 'extension mirror', interface: 'eth2', state: 'up', packets_per_s: 198, kernel_drops: 12 }],
    satellites: [{ name: 'South branch', connected: true, seen_at: null, more: 0 }, { name: 'Harbour radio', connected: false, seen_at: iso(Date.now() - 5.2e6), more: 0 }],
  };
}

// Four satellites, one of each kind; EMPTY=1 none.
const open = [];
function satellites() {
  const GIB = 2 ** 30, tap = (name, on, more = {}) => ({ name, interface: on, open: true, packets: 88_120_331, kernel_drops: 0, ...more });
  const status = { version: '0.1.0', calls: 14, waiting_parts: 14, waiting_bytes: 3.4e6, oldest_at: iso(Date.now() - 6e5), free_bytes: 431 * GIB, total_bytes: 466 * GIB, clock_offset_ms: 12, alarms: 0, last_day_key: '2026-12-24', taps: [tap('trunk of the branch', 'eth1'), tap('extensions', 'eth2')] };
  const of = (name, letter, state, more = {}) => ({ id: letter.repeat(32), name, letter, state, enrolled_at: iso(began - 9e8), last_seen_at: iso(Date.now() - 3e3), certificate_until: iso(began + 6e9), revoked_at: null, revoked_by: null, status, settings: 'followed', settings_changed_at: iso(began - 8e8), settings_followed_at: iso(began - 8e8), settings_why: null, ...more });
  return { invitations: open, satellites: process.env.EMPTY ? [] : [
    of('South branch', 'B', 'connected'),
    of('Harbour radio', 'C', 'silent', { last_seen_at: iso(Date.now() - 5.2e6), settings: 'waiting', settings_changed_at: iso(began - 1e6), status: { ...status, waiting_parts: 1204, waiting_bytes: 2.9e9, oldest_at: iso(Date.now() - 9e7), free_bytes: 20 * GIB, clock_offset_ms: 3_600_000, alarms: 7, taps: [tap('radio', 'eth0', { open: false, kernel_drops: 1204 })] } }),
    of('Depot', 'D', 'never', { last_seen_at: null, status: null, settings: 'waiting', settings_followed_at: null }),
    of('Old warehouse', 'E', 'revoked', { revoked_at: iso(began - 3e8), revoked_by: 'ann' }),
  ] };
}

const qr = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h29v29H0z"/><path d="${Array.from({ length: 841 }, (_, i) => (dice(i, 77) > 0.5 ? `M${i % 29} ${Math.floor(i / 29)}h1v1h-1z` : '')).join('')}"/></svg>`;
class Refused { constructor(status, title, detail = '') { Object.assign(this, { status, title, detail }); } }

async function api(method, path, q, body, req, res) {
  const is = (m, pattern) => method === m && pattern.exec(path);
  let m;
  if (is('POST', /^\/sign-in$/)) { if (body.password !== 'mock') throw new Refused(401, 'Name or password is wrong'); signedIn = true; return { next: 'done' }; }
  if (is('POST', /^\/sign-in\/link$/)) return { next: 'set_password', name: 'ann' };
  if (is('POST', /^\/sign-in\/password$/)) return { next: 'enrol_totp' };
  if (is('POST', /^\/sign-in\/enrol-totp$/)) return { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', uri: 'otpauth://x', qr_svg: qr };
  if (is('POST', /^\/sign-in\/(enrol-totp\/confirm|totp)$/)) { signedIn = true; return { next: 'done' }; }
  if (!signedIn) throw new Refused(401, 'You are not signed in');
  if (method !== 'GET' && req.headers['x-csrf-token'] !== 'mock-csrf') throw new Refused(403, 'The token of this session is missing');
  if (is('POST', /^\/sign-out$/)) { signedIn = false; res.setHeader('clear-site-data', '"cache","storage"'); return null; }
  if (is('GET', /^\/me$/)) return { user: { id: 'u0', name: 'ann', display, role, locale }, permissions: ACTS[role].split(' '), scope: { extensions: [], groups: [], taps: [], days_back: null }, site: { name: settings.site.name, zone: ZONE, version: '0.3.0', fingerprint: 'SHA-256 9F:3C:21:AA:07:5E:B2:90:41:6D:E8:13:77:C0:AB:5F:2E:94:0D:61:88:FA:33:1C:D5:7B:46:E9:02:BC:18:A4', demo: true }, csrf: 'mock-csrf', idle_seconds: 900, totp: false };
  if (is('PUT', /^\/me$/)) { display = body.display ?? display; locale = body.locale ?? locale; return null; }
  if (is('PUT', /^\/me\/password$/)) return null;
  if (is('GET', /^\/(me|users\/[^/]+)\/sessions$/)) return sessions();
  if (is('GET', /^\/recordings$/)) {
    const limit = Number(q.get('limit') ?? 50), found = []; let next = null;
    const { after, ...rest } = Object.fromEntries(q); delete rest.limit;
    for (const n of matching(Object.assign(new URLSearchParams(rest), after ? { get: (k) => q.get(k) } : {}))) { if (found.length === limit) { next = String(n); break; } found.push(row(n)); }
    return { recordings: found, next, previous: null };
  }
  if (is('GET', /^\/recordings\/count$/)) { let count = 0; const rest = new URLSearchParams(q); if (rest.size === 0) return { count: Math.min(10000, TOTAL), more: TOTAL > 10_000 }; let seen = 0; for (const n of matching(rest)) { if (++count >= 10000 || ++seen > 1e5) break; } return { count: Math.min(count, 10000), more: count >= 10000 }; }
  if ((m = is('GET', /^\/recordings\/([^/]+)\/(timeline|peaks|audio)$/))) {
    const r = row(numberOf(m[1]));
    if (m[2] === 'timeline') return { length_ms: r.duration_ms, legs: [{ role: 'near', label: r.caller.name ?? r.caller.number, codec: 'PCMA', gaps: [] }, { role: 'far', label: r.called.name ?? r.called.number, codec: 'PCMA', gaps: gapsOf(r) }], events: [{ at_ms: 0, kind: 'answered', text: 'Answered' }, { at_ms: r.duration_ms * 0.55, kind: 'held', text: 'Put on hold' }, { at_ms: r.duration_ms, kind: 'ended', text: 'Ended by the caller' }], fetched_from: process.env.FETCHED ?? null };
    const bytes = m[2] === 'peaks' ? peaks(r) : wav(r), range = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
    const from = range ? Number(range[1]) : 0, to = range?.[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
    res.writeHead(range ? 206 : 200, { 'content-type': m[2] === 'peaks' ? 'application/octet-stream' : 'audio/wav', 'content-length': to - from + 1, 'accept-ranges': 'bytes', 'cache-control': 'no-store', ...(range && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }), ...(q.get('download') && { 'content-disposition': `attachment; filename="${r.reference}.wav"` }) });
    res.end(bytes.subarray(from, to + 1));
    return undefined;
  }
  if ((m = is('GET', /^\/recordings\/([^/]+)$/))) {
    const r = row(numberOf(m[1]));
    return { ...r, ledger_no: TOTAL - numberOf(r.id), call_ids: [`${r.id.slice(24)}@10.0.0.5`], legs: ['near', 'far'].map((role, i) => ({ track: i, leg: i, role, codec: 'PCMA', clock_hz: 8000, samples: r.duration_ms * 8, gaps: i && r.has_gap ? { 'lost-in-network': r.gap_ms * 4, paused: r.gap_ms * 4 } : {} })), parts: [{ part: 0, bytes: r.duration_ms * 16, sha256: createHash('sha256').update(r.id).digest('hex'), blake3: createHash('sha256').update(`b${r.id}`).digest('hex'), recovered: r.integrity === 'recovered' }], events: [], linked: [] };
  }
  if ((m = is('POST', /^\/recordings\/([^/]+)\/tags$/))) { row(numberOf(m[1])).tags.push(body.tag); return null; }
  if ((m = is('DELETE', /^\/recordings\/([^/]+)\/tags\/(.+)$/))) { const r = row(numberOf(m[1])); r.tags = r.tags.filter((t) => t !== decodeURIComponent(m[2])); return null; }
  if ((m = is('POST', /^\/recordings\/([^/]+)\/notes$/))) { const id = `n${Date.now()}`; row(numberOf(m[1])).notes.push({ id, at_ms: body.at_ms ?? null, text: body.text, author: 'ann', written_at: iso(Date.now()), edited: false }); return { id }; }
  if ((m = is('DELETE', /^\/recordings\/([^/]+)\/notes\/(.+)$/))) { const r = row(numberOf(m[1])); r.notes = r.notes.filter((n) => n.id !== m[2]); return null; }
  if ((m = is('PUT', /^\/recordings\/([^/]+)\/notes\/(.+)$/))) { const n = row(numberOf(m[1])).notes.find((x) => x.id === m[2]); n.text = body.text; n.edited = true; return null; }
  if ((m = is('PATCH', /^\/recordings\/([^/]+)$/))) { Object.assign(row(numberOf(m[1])), body); return null; }
  if ((m = is('PUT', /^\/recordings\/([^/]+)\/hold$/))) { Object.assign(row(numberOf(m[1])), { held: true, hold: { reason: body.reason, by: 'ann', at: iso(Date.now()), review: body.review ?? null } }); return null; }
  if ((m = is('DELETE', /^\/recordings\/([^/]+)\/hold$/))) { Object.assign(row(numberOf(m[1])), { held: false, hold: null }); return null; }
  if (is('POST', /^\/exports$/)) { res.writeHead(200, { 'content-type': 'application/zip' }); for (let i = 0; i < 40; i++) { res.write(Buffer.alloc(65536)); await new Promise((r) => setTimeout(r, 80)); } res.end(); return undefined; }
  if (is('GET', /^\/satellites$/)) return satellites();
  if (is('POST', /^\/satellites\/invitations$/)) { open.push({ id: String(open.length), name: body.name, by: 'ann', until: iso(Date.now() + 9e5), wrong: 0 }); return { id: open.at(-1).id, code: '7KPM-3XQ9', until: open.at(-1).until }; }
  if (is('GET', /^\/satellites\/[^/]+\/settings$/)) return { version: '1', text: 'format = 1\n\n[site]\nname = "Kruin control"\nletter = "B"\n\n[rules]\ninclude = []          # extensions to record; empty: all\nexclude = []\n\n[[tap]]\nname = "trunk of the branch"\ninterface = "eth1"\nside = "trunk"\n' };
  if (is('PUT', /^\/satellites\/[^/]+\/settings$/)) { if (body.text.includes('oops')) throw new Refused(422, 'Not acceptable', 'Line 9: invalid array, expected `]`'); return { version: '2' }; }
  if (is('PATCH', /^\/satellites\//) || is('POST', /^\/satellites\//)) return null;
  if (is('GET', /^\/archive$/)) return archive();
  if (is('GET', /^\/archive\/notices$/)) return archiveNotices();
  if (is('GET', /^\/archive\/days$/)) return archiveDays();
  if (is('POST', /^\/archive\//)) return null;
  if (is('GET', /^\/ledger$/)) return { day: q.get('day'), totals: process.env.EMPTY ? { signalled: 0, recorded: 0, partly: 0, not_recorded: 0, open: 0 } : { signalled: 1204, recorded: 1169, partly: 6, not_recorded: 25, open: 4 }, balanced: !process.env.GAPS, next: null, recorders: process.env.EMPTY ? [] : [['A', null, 902], ['B', 'South branch', 300], ['C', 'Harbour radio', 2]].map(([letter, name, n]) => ({ id: letter.repeat(32), letter, name, totals: { signalled: n, recorded: n, partly: 0, not_recorded: 0, open: 0 }, balanced: true, missing: process.env.GAPS && letter === 'C' ? 4 : 0, gaps: process.env.GAPS && letter === 'C' ? [{ from: 2, to: 4 }, { from: 7, to: 7 }] : [] })), entries: process.env.EMPTY ? [] : Array.from({ length: q.get('all') ? 60 : 31 }, (_, i) => ({ ledger_no: TOTAL - i, reference: row(i).reference, opened_at: row(i).started_at, ended_at: row(i).started_at, end: i < 6 ? 'partly(recorder-loss)' : i < 31 ? `not recorded(${['rule', 'unanswered', 'no-media', 'encrypted-media'][i % 4]})` : 'recorded', why: null, rule: i % 4 === 0 ? 3 : null, caller: row(i).caller.number, called: row(i).called.number, recording_id: i < 6 || i >= 31 ? row(i).id : null, tap: 'main trunk' })) };
  if (is('GET', /^\/audit$/)) { const from = Number(q.get('after') ?? 0), found = audits.filter((a) => !q.get('act') || a.act === q.get('act')); return { entries: found.slice(from, from + 100), next: found.length > from + 100 ? String(from + 100) : null }; }
  if (is('GET', /^\/audit\/check$/)) { await new Promise((r) => setTimeout(r, 700)); return { ok: true, checked: 260, head: createHash('sha256').update('x').digest('hex') }; }
  if (is('GET', /^\/users$/)) return users;
  if (is('POST', /^\/users$/)) { const u = { id: `u${users.length}`, disabled: false, locked_until: null, created_at: iso(Date.now()), has_totp: false, locale: 'en', has_password: false, link_until: null, ...body }; users.push(u); return u; }
  if ((m = is('POST', /^\/users\/([^/]+)\/link$/))) return { link: '/link#mZ2pQ8x-4rT0uVbNcKjH7sLwYe', until: iso(Date.now() + 864e5) };
  if ((m = is('POST', /^\/users\/([^/]+)\/unlock$/))) { users.find((u) => u.id === m[1]).locked_until = null; return null; }
  if ((m = is('PATCH', /^\/users\/([^/]+)$/))) { Object.assign(users.find((u) => u.id === m[1]), body); return null; }
  if ((m = is('DELETE', /^\/users\/([^/]+)$/))) { users.find((u) => u.id === m[1]).disabled = true; return null; }
  if (is('GET', /^\/settings$/)) return { version: String(version), settings };
  if (is('PUT', /^\/settings$/)) { if (req.headers['if-match'] !== String(version)) throw new Refused(409, 'Somebody else changed the settings meanwhile'); settings = body; return { version: String(++version) }; }
  if (is('GET', /^\/interfaces$/)) return [{ name: 'eth0', up: true, address: '10.0.0.2', packets_seen: 88123 }, { name: 'eth1', up: true, address: null, packets_seen: 1204991 }, { name: 'eth2', up: false, address: null, packets_seen: 0 }];
  if (is('POST', /^\/test-call$/)) { await new Promise((r) => setTimeout(r, 1500)); tested = row(0).id; return { recording_id: tested }; }
  if (is('GET', /^\/setup$/)) { const open = process.env.SETUP === 'open' && !tested; return { done: !open, steps: { signed_in: true, source: !open, test_call: !open } }; }
  if (is('GET', /^\/live$/)) {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const send = () => res.write(`event: board\ndata: ${JSON.stringify(board())}\n\n`);
    send();
    const timer = setInterval(send, 1000);
    req.on('close', () => clearInterval(timer));
    return undefined;
  }
  if (method === 'DELETE') return null;
  throw new Refused(404, 'Not found');
}

const server = createServer(async (req, res) => {
  const url = new URL(req.url, 'http://x');
  res.setHeader('x-content-type-options', 'nosniff');
  if (!url.pathname.startsWith('/api/v1/')) {
    const types = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.svg': 'image/svg+xml' };
    let name = url.pathname.includes('..') ? '/' : url.pathname;
    let bytes = extname(name) ? await readFile(join(dist, name)).catch(() => null) : null;
    if (!bytes) { name = 'index.html'; bytes = await readFile(join(dist, name)).catch(() => Buffer.from('npm run build first')); }
    res.writeHead(200, { 'content-type': types[extname(name)] ?? 'application/octet-stream', 'content-security-policy': CSP });
    return res.end(bytes);
  }
  const pieces = [];
  for await (const piece of req) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  try {
    const answer = await api(req.method, url.pathname.slice(7), url.searchParams, text ? JSON.parse(text) : null, req, res);
    if (answer === undefined) return;
    res.writeHead(answer === null ? 204 : 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    res.end(answer === null ? undefined : JSON.stringify(answer));
  } catch (e) {
    if (!(e instanceof Refused)) console.error(e);
    res.writeHead(e.status ?? 500, { 'content-type': 'application/problem+json' });
    res.end(JSON.stringify({ title: e.title ?? 'The mock failed', status: e.status ?? 500, detail: e.detail || String(e.stack ?? ''), what_it_means: '', what_to_do: '' }));
  }
});

// Live sound: a WebSocket by hand, one second at a time, as the growing sealed part gives it.
server.on('upgrade', (req, socket) => {
  const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
  const frame = (kind, data) => { const head = data.length < 126 ? Buffer.from([0x80 | kind, data.length]) : Buffer.from([0x80 | kind, 126, data.length >> 8, data.length & 255]); socket.write(Buffer.concat([head, data])); };
  frame(1, Buffer.from(JSON.stringify({ rate_hz: RATE, channels: 2, at_ms: 0 })));
  let at = 0;
  const timer = setInterval(() => { for (let k = 0; k < 50; k++, at += 160) { const b = Buffer.alloc(640); for (let i = 0; i < 160; i++) for (let leg = 0; leg < 2; leg++) b.writeInt16LE(sample(3, leg, (at + i) / RATE), i * 4 + leg * 2); frame(2, b); } }, 1000);
  socket.on('close', () => clearInterval(timer));
  socket.on('error', () => clearInterval(timer));
});
server.listen(PORT, '127.0.0.1', () => console.log(`mock on http://127.0.0.1:${PORT}, role ${role}, any name, password: mock`));
