// What the server says and takes, as types and one function a route. No state, no words for the screen.
import type { Transport } from './transport';

export type Role = 'administrator' | 'supervisor' | 'auditor' | 'agent';
export const ROLES: readonly Role[] = ['administrator', 'supervisor', 'auditor', 'agent'];
export type Scope = { extensions: string[]; groups: string[]; taps: string[]; days_back: number | null };
export type SignInStep = { next: 'done' | 'totp' | 'enrol_totp' | 'set_password'; name?: string };
export type Me = {
  user: { id: string; name: string; display: string; role: Role; locale: string | null };
  permissions: string[]; scope: Scope;
  site: { name: string; zone: string; version: string; fingerprint: string; demo: boolean };
  csrf: string; idle_seconds: number; totp: boolean;
};
export type Session = { id: string; current: boolean; complete: boolean; created_at: string; seen_at: string; ends_at: string; address: string; agent: string };

export type Party = { number: string | null; name: string | null; extension?: string | null };
export type Row = {
  id: string; reference: string; external_reference: string | null; started_at: string; started_at_us: number; duration_ms: number;
  direction: string; method: string; side: string; tap: string; caller: Party | null; called: Party | null; others: Party[];
  end: string; end_reason: string | null; orphan: boolean; has_gap: boolean; gap_ms: number; heard: 'both' | 'one-way' | 'silent'; held: boolean; tags: string[];
  subject: string | null; comment: string | null; codecs: string[]; playable: boolean; integrity: 'sealed' | 'recovered' | 'damaged';
};
export type Note = { id: string; at_ms: number | null; text: string; author: string; written_at: string; edited: boolean };
export type Detail = Row & {
  ledger_no: number | string | null; call_ids: string[];
  legs: { track: number; leg: number; role: string; codec: string; clock_hz: number; samples: number; gaps: Record<string, number> }[];
  parts: { part: number; bytes: number; sha256: string; blake3: string; recovered: boolean }[];
  events: { at_ms: number; kind: string; members: unknown }[];
  notes: Note[]; hold: { reason: string; by: string; at: string; review: string | null } | null; linked: { id: string; reference: string }[];
};
export type RecordingsPage = { recordings: Row[]; next: string | null; previous: string | null };
export type Count = { count: number; more: boolean };
export type Timeline = {
  length_ms: number;
  legs: { role: string; label: string; codec: string; gaps: { from_ms: number; to_ms: number; cause: string }[] }[];
  events: { at_ms: number; kind: string; text: string }[];
  fetched_from: string | null;
};
export type SoundFormat = 'wav' | 'flac' | 'opus';

export type LineState = 'ringing' | 'recording' | 'paused' | 'fault' | 'idle';
export type Line = {
  recording_id: string | null; reference: string | null; satellite: string | null; tap: string; side: string; state: LineState; started_at: string | null; seconds: number;
  caller: Party | null; called: Party | null; direction: string; codecs: string[]; level_dbfs: (number | null)[] | null; listenable: boolean; fault: string | null;
};
/** The last call that a recorder placed itself on a tap, to show that it records; failed: what was wrong. */
export type Canary = { at: string; failed: string | null };
export type TapState = { name: string; interface: string; state: 'up' | 'down' | 'idle'; packets_per_s: number; kernel_drops: number; canary: Canary | null };
export type SatelliteLine = { name: string; connected: boolean; seen_at: string | null; more: number };
export type Board = { lines: Line[]; taps: TapState[]; satellites: SatelliteLine[] };

export type LedgerEntry = {
  ledger_no: number; reference: string; opened_at: string; ended_at: string | null; end: string | null; why: string | null; rule: number | null;
  caller: string; called: string; recording_id: string | null;
};
export type LedgerTotals = { signalled: number; recorded: number; partly: number; not_recorded: number; open: number };
export type LedgerRecorder = { id: string; letter: string; name: string | null; totals: LedgerTotals; balanced: boolean; missing: number; gaps: { from: number; to: number }[] };
export type LedgerDay = {
  day: string; totals: LedgerTotals;
  balanced: boolean; recorders: LedgerRecorder[]; entries: LedgerEntry[]; next?: string | null;
};

export type AuditEntry = {
  number: number; at: string; actor: string | null; actor_name: string; session: string | null; address: string; act: string;
  object: string | null; outcome: 'ok' | 'refused' | 'failed'; details: Record<string, string>;
};
export type AuditPage = { entries: AuditEntry[]; next: string | null };
export type AuditCheck = { ok: boolean; checked: number; head: string; fault: string | null };

export type User = {
  id: string; name: string; display: string; role: Role; scope: Scope; disabled: boolean; locked_until: string | null; created_at: string;
  has_password: boolean; has_totp: boolean; link_until: string | null; locale: string;
};
export type NewUser = { name: string; display: string; role: Role; scope: Scope };
export type OneTimeLink = { link: string; until: string };

export type Settings = {
  site: { name: string; internal_numbers: string[] };
  recording: { preroll_seconds: number; idle_seconds: number; orphans: boolean; calls_max: number; queue_mib: number; mask_digits: boolean };
  rules: { include: string[]; exclude: string[] };
  taps: { name: string; interface: string; side: string }[];
  web: { idle_minutes: Record<Role, number>; totp: 'required' | 'optional' };
  groups: Record<string, string[]>;
};
export type Interface = { name: string; up: boolean; address: string | null; packets_seen: number };
export type Setup = { done: boolean; steps: { signed_in: boolean; source: boolean; test_call: boolean } };

export type ArchiveVerdict = 'none' | 'safe' | 'running' | 'behind';
export type ArchiveProgress = {
  since: string; step: 'check' | 'plan' | 'carry' | 'describe' | 'backup' | 'prove'; files: number; files_due: number; bytes: number; bytes_due: number;
  bytes_per_second: number | null; seconds_left: number | null; stopping: boolean;
};
export type Medium = {
  id: string; generation: number; label: string; lies_in: string; state: 'good' | 'suspect' | 'retired'; due_files: number; due_bytes: number;
  proven_at: string | null; seen_at: string | null; proof: 'counts' | 'cached' | 'lowered'; verified: Checked | null;
};
export type CheckWord = 'verify' | 'drill';
export type Checked = { at: string; well: boolean; mends: boolean; files: number; bytes: number; findings: string[] };
export type Checking = { what: CheckWord; since: string; bytes: number; bytes_due: number | null; stopping: boolean };
export type Removal = { change: number | null; at_once: boolean; affected: number; proposed_by: string | null; effective: string | null; may_confirm: boolean };
export type ArchiveNotice = {
  key: string; kind: string; severity: 'told' | 'warning' | 'urgent'; since: string; seen_by: string | null; location: string | null; name: string; medium: string; lies_in: string; why: string;
  at: string | null; day: string | null; count: number | null; bytes: number | null;
};
export type ArchiveDay = { day: string; files: number; proven_in: number; lacking: number; purged: number };
export type ArchiveDays = { places: number; days: ArchiveDay[] };
export type ArchiveRun = {
  id: string; medium: string; begun_at: string; ended_at: string | null; outcome: 'running' | 'complete' | 'holes' | 'early' | 'cut'; files: number; bytes: number; message: string;
};
export type LocationKind = 'folder' | 'usb' | 'nfs' | 'smb' | 's3';
export type MediaSet = 'one' | 'any' | 'all';
export type ArchiveLocation = {
  id: string; name: string; kind: LocationKind; path: string; media_set: MediaSet; verdict: ArchiveVerdict; safe_until: string | null; connected: boolean | null; why: string | null;
  seen_at: string | null; due_files: number; due_bytes: number; free_bytes: number | null; total_bytes: number | null; daily_bytes: number | null; full_on: string | null;
  running: ArchiveProgress | null; waiting: boolean; trouble: string | null; media: Medium[]; runs: ArchiveRun[];
  stopped_by: string | null; checking: Checking | null; check_trouble: string | null; drill: Checked | null; logins_until: string | null; logins_days: number | null; removal: Removal | null;
};
export type Archive = {
  verdict: ArchiveVerdict; safe_until: string | null; due_files: number; next_run: string | null; at: string; continuous: boolean; locations: ArchiveLocation[];
};
export type NewBucket = {
  endpoint: string; region: string; access_key_id: string; secret_access_key: string; ca: string; object_lock_days: number; object_lock_for_all: boolean;
};
export type NewLocation = { name: string; kind: LocationKind; path: string; media_set: MediaSet; label: string; lies_in: string; bucket?: NewBucket | null };
export type MediumText = { label: string; lies_in: string };
export type NewMedium = MediumText & { seed: 'full' | 'from_now' };
export type LocationTest = { connected: boolean; why: string | null; free_bytes: number | null; total_bytes: number | null };

export type Which = { extensions: string[]; taps: string[]; number: string | null; tag: string | null; since: string | null; until: string | null };
export type KeptClass = { name: string; min_days: number; max_days: number | null; which: Which };
export type WishedChange = { put?: KeptClass | null; remove?: string | null };
export type KeepingPreview = { affected: number; held: number; more: boolean };
export type DoneBy = { name: string; at: string; you: boolean };
export type KeepingChange = {
  id: number; object: string; put: KeptClass | null; before: KeptClass | null; what: string; state: 'proposed' | 'confirmed' | 'applied' | 'cancelled'; affected: number;
  proposed: DoneBy; confirmed: DoneBy | null; cancelled: DoneBy | null; effective_at: string | null;
};
export type HoldByOrder = {
  id: string; which: Which; reason: string; owner: string; review: string | null; placed: DoneBy; released: DoneBy | null; release_reason: string;
};
export type NewHold = { which: Which; reason: string; owner: string; review: string | null };
export type Destruction = {
  id: number; day: string; recording: string | null; state: string; order: boolean; reason: string; recordings: number; asked: DoneBy; second: DoneBy | null; changed_at: string;
  media: { id: string; label: string; lies_in: string; done_at: string | null }[];
};
export type NewDestruction = { day: string | null; recording: string | null; order: boolean; reason: string };
export type Keeping = { classes: KeptClass[]; changes: KeepingChange[]; holds: HoldByOrder[]; destroyed: Destruction[]; at_the_end: string };

export type SatelliteTap = { name: string; interface: string; open: boolean; packets: number; kernel_drops: number; canary: Canary | null };
export type SatelliteStatus = {
  version: string; calls: number; waiting_parts: number; waiting_bytes: number; oldest_at: string | null; free_bytes: number | null; total_bytes: number | null;
  clock_offset_ms: number; alarms: number; last_day_key: string | null; taps: SatelliteTap[];
};
export type Satellite = {
  id: string; name: string; letter: string; state: 'connected' | 'silent' | 'never' | 'revoked'; enrolled_at: string; last_seen_at: string | null; certificate_until: string;
  revoked_at: string | null; revoked_by: string | null; status: SatelliteStatus | null;
  settings: 'followed' | 'waiting' | 'faulty' | 'refused'; settings_changed_at: string | null; settings_followed_at: string | null; settings_why: string | null;
};
export type SatelliteInvitation = { id: string; name: string; by: string; until: string; wrong: number };
export type Satellites = { satellites: Satellite[]; invitations: SatelliteInvitation[] };

export type Params = Record<string, string | number | boolean | null | undefined>;

/** Writes parameters, leaving out what is not set. */
export function params(of: Params): string {
  const kept = new URLSearchParams();
  for (const [name, value] of Object.entries(of)) if (value !== null && value !== undefined && value !== '') kept.set(name, String(value));
  const text = kept.toString();
  return text ? `?${text}` : '';
}

const id = encodeURIComponent;

/** Every route of the server that the console uses. */
export function apiOf(t: Transport) {
  const read = async <T>(path: string, signal?: AbortSignal) => (await t.ask<T>('GET', path, signal ? { signal } : {})).value;
  const write = async <T>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    (await t.ask<T>(method, path, { ...(body !== undefined && { body }), ...(headers && { headers }) })).value;
  const rec = (of: string) => `/recordings/${id(of)}`;
  return {
    signIn: (name: string, password: string) => write<SignInStep>('POST', '/sign-in', { name, password }),
    signInTotp: (code: string) => write<SignInStep>('POST', '/sign-in/totp', { code }),
    signInLink: (token: string) => write<SignInStep>('POST', '/sign-in/link', { token }),
    setPassword: (password: string) => write<SignInStep>('POST', '/sign-in/password', { password }),
    enrolTotp: () => write<{ secret: string; uri: string; qr_svg: string }>('POST', '/sign-in/enrol-totp', {}),
    confirmTotp: (code: string) => write<SignInStep>('POST', '/sign-in/enrol-totp/confirm', { code }),
    signOut: () => write<null>('POST', '/sign-out'),

    me: () => read<Me>('/me'),
    changeMe: (change: { display?: string; locale?: string }) => write<unknown>('PUT', '/me', change),
    changePassword: (old: string, fresh: string) => write<unknown>('PUT', '/me/password', { old, new: fresh }),
    mySessions: async () => listOf<Session>(await read<unknown>('/me/sessions'), 'sessions'),
    dropMySession: (session: string) => write<unknown>('DELETE', `/me/sessions/${id(session)}`),

    recordings: (of: Params, signal?: AbortSignal) => read<RecordingsPage>(`/recordings${params(of)}`, signal),
    count: (of: Params, signal?: AbortSignal) => read<Count>(`/recordings/count${params(of)}`, signal),
    recording: (of: string, signal?: AbortSignal) => read<Detail>(rec(of), signal),
    timeline: (of: string, signal?: AbortSignal) => read<Timeline>(`${rec(of)}/timeline`, signal),
    peaks: (of: string, columns: number, signal?: AbortSignal) => t.bytes(`${rec(of)}/peaks${params({ columns })}`, signal),
    audioUrl: (of: string, format: SoundFormat = 'wav', download = false) => t.url(`${rec(of)}/audio${params({ legs: 'both', format, download: download ? 1 : null })}`),
    addTag: (of: string, tag: string) => write<unknown>('POST', `${rec(of)}/tags`, { tag }),
    removeTag: (of: string, tag: string) => write<unknown>('DELETE', `${rec(of)}/tags/${id(tag)}`),
    addNote: (of: string, text: string, at_ms: number | null) => write<{ id?: string } | null>('POST', `${rec(of)}/notes`, { text, ...(at_ms !== null && { at_ms }) }),
    editNote: (of: string, note: string, text: string) => write<unknown>('PUT', `${rec(of)}/notes/${id(note)}`, { text }),
    removeNote: (of: string, note: string) => write<unknown>('DELETE', `${rec(of)}/notes/${id(note)}`),
    label: (of: string, change: { subject?: string; comment?: string; external_reference?: string }) => write<unknown>('PATCH', rec(of), change),
    hold: (of: string, reason: string, review: string | null) => write<unknown>('PUT', `${rec(of)}/hold`, { reason, ...(review && { review }) }),
    release: (of: string, reason: string) => write<unknown>('DELETE', `${rec(of)}/hold`, { reason }),
    exportMany: (ids: string[], format: SoundFormat, signal: AbortSignal, progress: (bytes: number, of: number | null) => void) =>
      t.take('POST', '/exports', { body: { ids, format, legs: 'both' }, signal }, progress),

    live: () => t.events('/live'),
    liveSound: (of: string) => t.socket(`/live/${id(of)}/audio`),
    ledger: (of: Params, signal?: AbortSignal) => read<LedgerDay>(`/ledger${params(of)}`, signal),
    audit: (of: Params, signal?: AbortSignal) => read<AuditPage>(`/audit${params(of)}`, signal),
    auditCheck: (signal?: AbortSignal) => read<AuditCheck>('/audit/check', signal),

    users: async () => listOf<User>(await read<unknown>('/users'), 'users'),
    addUser: (user: NewUser) => write<User>('POST', '/users', user),
    changeUser: (of: string, change: Partial<NewUser> & { disabled?: boolean }) => write<unknown>('PATCH', `/users/${id(of)}`, change),
    disableUser: (of: string) => write<unknown>('DELETE', `/users/${id(of)}`),
    linkFor: (of: string) => write<OneTimeLink>('POST', `/users/${id(of)}/link`),
    unlock: (of: string) => write<unknown>('POST', `/users/${id(of)}/unlock`),
    dropTotp: (of: string) => write<unknown>('DELETE', `/users/${id(of)}/totp`),
    sessionsOf: async (of: string) => listOf<Session>(await read<unknown>(`/users/${id(of)}/sessions`), 'sessions'),
    dropSessions: (of: string, session?: string) => write<unknown>('DELETE', `/users/${id(of)}/sessions${session ? `/${id(session)}` : ''}`),

    archive: (signal?: AbortSignal) => read<Archive>('/archive', signal),
    addLocation: (wanted: NewLocation) => write<{ location: string; medium: string }>('POST', '/archive/locations', wanted),
    archiveNotices: () => read<{ notices: ArchiveNotice[] }>('/archive/notices'),
    noticeSeen: (key: string) => write<null>('POST', '/archive/notices/seen', { key }),
    archiveDays: () => read<ArchiveDays>('/archive/days'),
    runReportUrl: (run: string) => t.url(`/archive/runs/${id(run)}/report`),
    checkLocation: (of: string, what: CheckWord) => write<null>('POST', `/archive/locations/${id(of)}/check`, { what }),
    stopCheck: (of: string) => write<null>('POST', `/archive/locations/${id(of)}/check/stop`),
    trustMedium: (of: string) => write<null>('POST', `/archive/media/${id(of)}/trust`),
    removal: (of: string) => read<Removal>(`/archive/locations/${id(of)}/removal`),
    removeLocation: (of: string) => write<Removal>('POST', `/archive/locations/${id(of)}/removal`),
    confirmRemoval: (of: string) => write<Removal>('POST', `/archive/locations/${id(of)}/removal/confirm`),
    cancelRemoval: (of: string) => write<null>('POST', `/archive/locations/${id(of)}/removal/cancel`),
    prepareLocation: (of: string, text: NewMedium) => write<{ location: string; medium: string }>('POST', `/archive/locations/${id(of)}/prepare`, text),
    testLocation: (of: string) => write<LocationTest>('POST', `/archive/locations/${id(of)}/test`),
    runArchive: (of: string) => write<null>('POST', `/archive/locations/${id(of)}/run`),
    stopArchive: (of: string) => write<null>('POST', `/archive/locations/${id(of)}/stop`),
    labelMedium: (of: string, text: MediumText) => write<null>('PATCH', `/archive/media/${id(of)}`, text),

    keeping: (signal?: AbortSignal) => read<Keeping>('/keeping', signal),
    previewKeeping: (wish: WishedChange) => write<KeepingPreview>('POST', '/keeping/preview', wish),
    changeKeeping: (wish: WishedChange) => write<KeepingChange>('POST', '/keeping/changes', wish),
    confirmKeeping: (of: number) => write<KeepingChange>('POST', `/keeping/changes/${of}/confirm`),
    cancelKeeping: (of: number) => write<KeepingChange>('POST', `/keeping/changes/${of}/cancel`),
    countWhich: (which: Which) => write<{ recordings: number; more: boolean }>('POST', '/keeping/count', { which }),
    placeHold: (hold: NewHold) => write<HoldByOrder>('POST', '/keeping/holds', hold),
    releaseHold: (of: string, reason: string) => write<null>('POST', `/keeping/holds/${id(of)}/release`, { reason }),
    destroy: (wanted: NewDestruction) => write<Destruction>('POST', '/keeping/destructions', wanted),
    confirmDestruction: (of: number) => write<Destruction>('POST', `/keeping/destructions/${of}/confirm`),
    cancelDestruction: (of: number) => write<Destruction>('POST', `/keeping/destructions/${of}/cancel`),

    satellites: () => read<Satellites>('/satellites'),
    inviteSatellite: (name: string) => write<{ id: string; code: string; until: string }>('POST', '/satellites/invitations', { name }),
    closeInvitation: (of: string) => write<null>('DELETE', `/satellites/invitations/${id(of)}`),
    renameSatellite: (of: string, name: string) => write<null>('PATCH', `/satellites/${id(of)}`, { name }),
    satelliteSettings: (of: string) => read<{ version: string; text: string }>(`/satellites/${id(of)}/settings`),
    changeSatelliteSettings: (of: string, text: string, version: string) => write<{ version: string }>('PUT', `/satellites/${id(of)}/settings`, { text }, { 'if-match': version }),
    revokeSatellite: (of: string, name: string, reason: string) => write<null>('POST', `/satellites/${id(of)}/revoke`, { name, reason }),

    settings: () => read<{ version: string; settings: Settings }>('/settings'),
    changeSettings: (settings: Settings, version: string) => write<{ version: string }>('PUT', '/settings', settings, { 'if-match': version }),
    interfaces: async () => listOf<Interface>(await read<unknown>('/interfaces'), 'interfaces'),
    testCall: () => write<{ recording_id: string | null }>('POST', '/test-call'),
    setup: () => read<Setup>('/setup'),
  };
}
export type Api = ReturnType<typeof apiOf>;

/** Takes a list that stands alone or under its name. */
export function listOf<T>(answer: unknown, name: string): T[] {
  const list = Array.isArray(answer) ? answer : (answer as Record<string, unknown> | null)?.[name];
  return Array.isArray(list) ? (list as T[]) : [];
}
