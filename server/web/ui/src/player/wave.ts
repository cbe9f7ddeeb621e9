// Draws the waveform of a recording: each leg in its own band, gaps and pauses with their cause, bookmarks, the loop, the part already heard.
// Pure drawing: everything comes in as values, colours included.
import { between, type Peaks } from './peaks';
import type { Timeline } from '../api';

export type Colours = Record<'near' | 'far' | 'rest' | 'gap' | 'pause' | 'ground' | 'mark' | 'loop', string>;
export type View = { from_s: number; to_s: number };
export type Drawing = {
  width: number; height: number; peaks: Peaks | null; timeline: Timeline | null; view: View; at_s: number;
  loop: { from_s: number; to_s: number } | null; marks_s: number[]; colours: Colours;
};

/** Colour family of a cause: what was left out on purpose, what the sender never sent, or what is lost. */
export function kindOf(cause: string): 'pause' | 'quiet' | 'loss' {
  if (/pause|mask/.test(cause)) return 'pause';
  if (/silence|none/.test(cause)) return 'quiet';
  return 'loss';
}

export const xOf = (s: number, view: View, width: number): number => ((s - view.from_s) / Math.max(1e-6, view.to_s - view.from_s)) * width;
export const secondsOf = (x: number, view: View, width: number): number => view.from_s + (x / Math.max(1, width)) * (view.to_s - view.from_s);

/** Keeps a view inside the recording, at least a second wide. */
export function viewIn(length_s: number, from_s: number, to_s: number): View {
  const wide = Math.min(Math.max(1, length_s), Math.max(1, to_s - from_s));
  const from = Math.min(Math.max(0, from_s), Math.max(0, length_s - wide));
  return { from_s: from, to_s: from + wide };
}

/** Zooms by a factor (below 1: closer) so that one moment stays where it is. */
export function zoomed(view: View, factor: number, around_s: number, length_s: number): View {
  const wide = (view.to_s - view.from_s) * factor, part = (around_s - view.from_s) / Math.max(1e-6, view.to_s - view.from_s);
  return viewIn(length_s, around_s - wide * part, around_s - wide * part + wide);
}

export function draw(g: CanvasRenderingContext2D, d: Drawing): void {
  const { width, height, view, colours } = d;
  g.fillStyle = colours.ground;
  g.fillRect(0, 0, width, height);
  if (d.loop) {
    const from = xOf(d.loop.from_s, view, width), to = xOf(d.loop.to_s, view, width);
    g.fillStyle = colours.loop;
    g.fillRect(from, 0, Math.max(1, to - from), height);
  }
  const bands = Math.max(1, d.peaks?.channels.length ?? d.timeline?.legs.length ?? 1);
  const band = height / bands;
  for (let c = 0; c < bands; c++) {
    gapsOf(g, d, c, bands, c * band, band);
    if (d.peaks) voiceOf(g, d, c, c * band, band);
  }
  g.fillStyle = colours.mark;
  for (const s of d.marks_s) {
    const x = Math.round(xOf(s, view, width));
    if (x < -6 || x > width + 6) continue;
    g.fillRect(x, 0, 1, height);
    g.beginPath();
    g.moveTo(x - 5, 0); g.lineTo(x + 6, 0); g.lineTo(x + 0.5, 8);
    g.fill();
  }
  const head = Math.round(xOf(d.at_s, view, width));
  if (head >= 0 && head <= width) g.fillRect(head - 1, 0, 2, height);
}

function voiceOf(g: CanvasRenderingContext2D, d: Drawing, channel: number, top: number, band: number): void {
  const { peaks, view, width, colours } = d;
  if (!peaks) return;
  const middle = top + band / 2, reach = band / 2 - 3, step = (view.to_s - view.from_s) / width, heard = xOf(d.at_s, view, width);
  const own = channel === 0 ? colours.near : colours.far;
  // Telephone speech is quiet against full scale: the loudest moment fills the band, but noise is not blown up.
  const loudest = Math.max(0.1, loudestOf(peaks));
  for (let x = 0; x < width; x++) {
    const from = view.from_s + x * step;
    if (from >= peaks.length_s) break;
    const p = between(peaks, channel, from, from + step);
    const up = Math.max(0.5, (p.max / loudest) * reach), down = Math.max(0.5, (-p.min / loudest) * reach);
    g.globalAlpha = x <= heard ? 1 : 0.5;
    g.fillStyle = own;
    g.fillRect(x, middle - up, 1, up + down);
  }
  g.globalAlpha = 1;
}

const loudestCache = new WeakMap<Peaks, number>();
function loudestOf(peaks: Peaks): number {
  let of = loudestCache.get(peaks);
  if (of === undefined) {
    of = 0;
    for (const c of peaks.channels) for (let b = 0; b < peaks.buckets; b++) of = Math.max(of, c.max[b] ?? 0, -(c.min[b] ?? 0));
    loudestCache.set(peaks, of / 32768);
    of /= 32768;
  }
  return of;
}

function gapsOf(g: CanvasRenderingContext2D, d: Drawing, channel: number, bands: number, top: number, band: number): void {
  for (const gap of gapsIn(d.timeline, channel, bands)) {
    const from = xOf(gap.from_ms / 1000, d.view, d.width), to = xOf(gap.to_ms / 1000, d.view, d.width);
    if (to < 0 || from > d.width) continue;
    const kind = kindOf(gap.cause), x = Math.max(-8, from), wide = Math.max(2, Math.min(d.width + 8, to) - x);
    if (kind === 'quiet') {
      // The sender sent nothing, nothing is missing: a thin line, no alarm.
      g.fillStyle = d.colours.rest;
      g.fillRect(x, top + band / 2 - 0.5, wide, 1);
      continue;
    }
    const colour = kind === 'pause' ? d.colours.pause : d.colours.gap;
    g.save();
    g.beginPath();
    g.rect(x, top + 2, wide, band - 4);
    g.clip();
    g.fillStyle = colour;
    g.globalAlpha = 0.16;
    g.fillRect(x, top, wide, band);
    g.globalAlpha = 0.8;
    g.strokeStyle = colour;
    // Lost: strokes to one side; paused: to the other. The difference shows without colour.
    for (let s = x - band; s < x + wide + band; s += 7) {
      g.beginPath();
      if (kind === 'pause') { g.moveTo(s, top); g.lineTo(s + band, top + band); } else { g.moveTo(s, top + band); g.lineTo(s + band, top); }
      g.stroke();
    }
    g.globalAlpha = 1;
    g.strokeRect(x + 0.5, top + 2.5, wide - 1, band - 5);
    g.restore();
  }
}

/** Returns the gaps of one band: near is left and above, far is right and below; a mono recording shows all in one. */
export function gapsIn(timeline: Timeline | null, channel: number, bands: number): Timeline['legs'][number]['gaps'] {
  const legs = timeline?.legs ?? [];
  return legs.flatMap((leg, i) => (bands === 1 || channelOf(leg.role, i) === channel ? leg.gaps : []));
}
const channelOf = (role: string, place: number): number => (role === 'near' ? 0 : role === 'far' ? 1 : Math.min(1, place));
