// The order of the board and the scale of its meters.
import type { Line } from '../api';

const ORDER: Line['state'][] = ['fault', 'recording', 'paused', 'ringing', 'idle'];

/** Faults first, then what is recorded, the longest call first: a line keeps its place while its call lasts. */
export function sortLines(lines: Line[]): Line[] {
  return [...lines].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || (a.started_at ?? '').localeCompare(b.started_at ?? '') || (a.reference ?? '').localeCompare(b.reference ?? ''));
}

/** Turns a level in dB below full scale into 0 to 100: -60 dB and below is nothing. */
export const meter = (level_dbfs: number | null): number => (level_dbfs === null || !Number.isFinite(level_dbfs) ? 0 : Math.max(0, Math.min(100, ((level_dbfs + 60) / 60) * 100)));
