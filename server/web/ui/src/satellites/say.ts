// What the page of satellites says, as keys and values of the catalogue; the command for the new machine; the line that a fault names. Pure.
import type { Satellite } from '../api';
import { instant } from '../time';

/** A clock that is further from the central's is told, milliseconds. */
const CLOCK_MS = 5_000;
/** A disk that is fuller is told, per cent. */
const FULL = 85;

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

/** How a satellite stands, as a tone for its badge; the word stands beside it always. */
export const toneOf = (of: Satellite): Tone => ({ connected: 'good', silent: 'bad', never: 'warn', revoked: 'plain' } as const)[of.state];

/** The clock against the central's: which message, and by how many seconds. */
export function clockOf(offset_ms: number): { key: 'right' | 'behind' | 'ahead'; seconds: number } {
  const seconds = Math.round(Math.abs(offset_ms) / 1000);
  return Math.abs(offset_ms) <= CLOCK_MS ? { key: 'right', seconds } : { key: offset_ms > 0 ? 'behind' : 'ahead', seconds };
}

/** How full its disk is, per cent; null when it did not say. */
export function fullOf(free: number | null, total: number | null): { percent: number; bad: boolean } | null {
  if (free === null || !total) return null;
  const percent = Math.min(100, Math.max(0, Math.round(((total - free) / total) * 100)));
  return { percent, bad: percent >= FULL };
}

/** The command for the new machine. A console that is read on the server itself does not know by which name others reach it. */
export function enrolCommand(origin: string, code: string): { command: string; guessed: boolean } {
  const url = new URL(origin);
  const here = /^(localhost|127\.|\[::1\])/.test(url.hostname);
  const host = here ? `THIS-SERVER:${url.port || '443'}` : url.host.includes(':') && url.port ? url.host : `${url.hostname}:443`;
  return { command: `amethyst satellite enrol --central ${url.protocol}//${host} --code ${code} --data /srv/amethyst --interface eth1`, guessed: here };
}

/** Milliseconds that a code still works. */
export const leftOf = (until: string, now_ms: number): number => Math.max(0, instant(until) - now_ms);

/** Which part of a text a fault names by its line: from where to where; null when it names none. */
export function faultAt(text: string, fault: string): { line: number; from: number; to: number } | null {
  const line = Number(/\bLine (\d+):/.exec(fault)?.[1] ?? 0);
  const lines = text.split('\n');
  if (line < 1 || line > lines.length) return null;
  const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { line, from, to: from + (lines[line - 1]?.length ?? 0) };
}

/** Those that do something about first: silent ones, then those that never came, then the rest by letter, revoked ones last. */
export function sorted(all: Satellite[]): Satellite[] {
  const order = { silent: 0, never: 1, connected: 2, revoked: 3 };
  return [...all].sort((a, b) => order[a.state] - order[b.state] || a.letter.localeCompare(b.letter));
}
