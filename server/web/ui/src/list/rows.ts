// The rows in view, drawn by hand: elements made once and told what to show. Scrolling writes the texts of the rows that come in and moves
// one layer; nothing else is laid out or painted again. Rows drawn by components cost three frames each.
import type { Party, Row } from '../api';
import { ICONS, type IconName } from '../icons';
import { showLength, showSpan, showTime } from '../time';
import { t, term } from '../words.svelte';

/** What the rows show beside the recordings themselves. */
export type Look = { row_px: number; zone: string; active: number; selected: Set<string>; openId: string | null };

/** Words that stand in every row, looked up once for each language. */
const wordsOf = () => ({ select: t('select-row'), selected: t('is-selected'), not: t('not-selected'), loading: t('loading'), unknown: t('unknown'), ways: new Map<string, string>() });
type Words = ReturnType<typeof wordsOf>;

/** Rows are placed around the middle of a layer of twice this height: what is placed stays where it is while the layer moves. */
const MIDDLE_PX = 20_000;
/** Out of order for a reader of the screen is what scrolling leaves; after so long without it, order is made. */
const TIDY_MS = 200;
/** Letters, not pictures: eleven pictures a frame cost a fifth of it. The last character asks for no coloured picture in their place. */
const WAYS: Record<string, string> = { in: '\u2199\ufe0e', out: '\u2197\ufe0e', internal: '\u21c4\ufe0e' };
const SVG = 'http://www.w3.org/2000/svg';

const who = (party: Party | null) => party?.name || party?.number || party?.extension || '';
const more = (party: Party | null) => (party?.name ? party.number || party.extension || '' : '');

function element(tag: string, of: Record<string, string>, ...inside: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const name in of) made.setAttribute(name, of[name] ?? '');
  made.append(...inside);
  return made;
}
const cell = (name: string, ...inside: (Node | string)[]) => element('span', { role: 'gridcell', class: name }, ...inside);

function icon(name: IconName, size: number): SVGSVGElement {
  const made = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');
  const of = { viewBox: '0 0 16 16', width: `${size / 14}rem`, height: `${size / 14}rem`, 'aria-hidden': 'true', focusable: 'false', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  for (const [key, value] of Object.entries(of)) made.setAttribute(key, value);
  path.setAttribute('d', ICONS[name]);
  made.append(path);
  return made;
}

function badge(kind: string, title: string, word: string, picture?: IconName): HTMLElement {
  return element('span', { class: `badge ${kind}`, title }, ...(picture ? [icon(picture, 12), ' '] : []), element('span', { class: 'word' }, word));
}

/** Marks of a recording in one text: what it says alike looks alike. */
const marksOf = (row: Row) => `${row.integrity === 'damaged'}|${row.has_gap ? row.gap_ms : ''}|${row.end.startsWith('partly')}|${row.heard}|${row.held}|${row.tags.join('\n')}`;

function badges(row: Row): HTMLElement[] {
  const made: HTMLElement[] = [];
  if (row.integrity === 'damaged') made.push(badge('bad', t('integrity-damaged'), t('integrity-damaged'), 'warn'));
  if (row.has_gap) made.push(badge('bad', t('gap-length', { length: showSpan(row.gap_ms) }), t('gap'), 'gap'));
  if (row.end.startsWith('partly')) made.push(badge('warn', t('end-partly'), t('end-partly'), 'part'));
  if (row.heard && row.heard !== 'both') made.push(badge('warn', t(`heard-${row.heard}-long`), t(`heard-${row.heard}`), 'warn'));
  if (row.held) made.push(badge('accent', t('held'), t('held'), 'lock'));
  for (const tag of row.tags) made.push(badge('tag', tag, tag));
  return made;
}

/** One row's elements. What is written is remembered, so that only what changed is written. */
class Slot {
  index = -1;
  private row: Row | undefined | null = null;
  private readonly said = new Map<string, string>();
  private marks = '';
  private readonly pick = cell('pick');
  private readonly start = cell('start', '');
  private readonly length = cell('length', '');
  private readonly direction = cell('direction', '');
  private readonly from = cell('from', element('b', {}, ''), ' ', element('small', {}, ''));
  private readonly to = cell('to', element('b', {}, ''), ' ', element('small', {}, ''));
  private readonly tap = cell('tap', '');
  private readonly badges = cell('marks');
  private readonly reference = cell('reference mono', '');
  private readonly wait = element('span', { role: 'gridcell', class: 'wait', 'aria-colspan': '9' }, '');
  readonly line = element('div', { class: 'cells row', role: 'row' }, this.pick, this.start, this.length, this.direction, this.from, this.to, this.tap, this.badges, this.reference, this.wait);

  place(index: number, at_px: number): void {
    this.index = index;
    this.line.id = `row-${index}`;
    this.line.setAttribute('aria-rowindex', String(index + 2));
    this.line.style.top = `${at_px}px`;
    this.line.classList.toggle('odd', index % 2 === 1);
  }

  fill(row: Row | undefined, look: Look, said: Words, anew: boolean): void {
    if (row !== this.row || anew) {
      this.line.classList.toggle('blank', !row);
      if (row) this.write(row, look.zone, said, anew); else this.text('wait', this.wait, said.loading);
      this.row = row;
    }
    const selected = row !== undefined && look.selected.has(row.id);
    this.attribute('aria-selected', this.line, String(selected));
    this.attribute('aria-current', this.line, row && row.id === look.openId ? 'true' : '');
    this.attribute('pick', this.pick, selected ? said.selected : said.not, 'aria-label');
    this.line.classList.toggle('active', this.index === look.active);
    if (selected !== (this.pick.firstChild !== null)) this.pick.replaceChildren(...(selected ? [icon('check', 12)] : []));
  }

  private write(row: Row, zone: string, said: Words, anew: boolean): void {
    this.text('start', this.start, showTime(zone, row.started_at));
    this.text('length', this.length, showLength(row.duration_ms));
    this.party('from', this.from, row.caller, said);
    this.party('to', this.to, row.called, said);
    this.text('tap', this.tap, row.tap);
    this.text('reference', this.reference, row.reference);
    let way = said.ways.get(row.direction);
    if (way === undefined) said.ways.set(row.direction, way = term('direction', row.direction));
    if (this.attribute('way', this.direction, way, 'title')) this.direction.setAttribute('aria-label', way);
    this.text('arrow', this.direction, WAYS[row.direction] ?? '\u2013');
    this.attribute('select', this.pick, said.select, 'title');
    const marks = marksOf(row);
    if (marks !== this.marks || anew) this.badges.replaceChildren(...badges(row));
    this.marks = marks;
  }

  private party(key: string, of: HTMLElement, party: Party | null, said: Words): void {
    this.text(key, of.firstElementChild as Element, who(party) || said.unknown);
    this.text(`${key} more`, of.lastElementChild as Element, more(party));
  }

  private text(key: string, of: Element, to: string): void {
    if (this.said.get(key) === to) return;
    this.said.set(key, to);
    // The text node stays: a new one would be laid out from nothing.
    if (of.firstChild) (of.firstChild as Text).data = to; else of.textContent = to;
  }

  private attribute(key: string, of: Element, to: string, name = key): boolean {
    if (this.said.get(key) === to) return false;
    this.said.set(key, to);
    if (to) of.setAttribute(name, to); else of.removeAttribute(name);
    return true;
  }
}

/** The rows of a grid: as many elements as fit in view, used again and again. */
export class Rows {
  private readonly drawn = new Map<number, Slot>();
  private readonly spare: Slot[] = [];
  private base = 0;
  private row_px = 0;
  private said = wordsOf();
  private tidying: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: HTMLElement) { host.style.height = `${2 * MIDDLE_PX}px`; }

  /** True when some of these rows are drawn. */
  touches(first: number, count: number): boolean {
    for (let index = first; index < first + count; index++) if (this.drawn.has(index)) return true;
    return false;
  }

  /** Draws rows `first` on, the first of them `offset_px` below the top of the view. `anew`: what they show besides texts changed. */
  draw(first: number, count: number, offset_px: number, look: Look, rowAt: (index: number) => Row | undefined, anew = false): void {
    if (anew) this.said = wordsOf();
    const moved = look.row_px !== this.row_px || Math.abs(first - this.base) * look.row_px > MIDDLE_PX / 2;
    if (moved) { this.base = first; this.row_px = look.row_px; this.host.style.setProperty('--row', `${look.row_px}px`); }
    for (const [index, slot] of this.drawn) if (index < first || index >= first + count) { this.drawn.delete(index); this.spare.push(slot); }
    for (let index = first; index < first + count; index++) {
      let slot = this.drawn.get(index);
      if (!slot) {
        slot = this.spare.pop() ?? new Slot();
        if (!slot.line.isConnected) this.host.append(slot.line);
        this.drawn.set(index, slot);
      }
      if (slot.index !== index || moved) slot.place(index, MIDDLE_PX + (index - this.base) * look.row_px);
      slot.fill(rowAt(index), look, this.said, anew);
    }
    for (const slot of this.spare) slot.line.remove();
    this.shift((this.base - first) * look.row_px + offset_px);
    clearTimeout(this.tidying);
    this.tidying = setTimeout(() => this.tidy(), TIDY_MS);
  }

  /** Hides the rows, or shows them again: while the bar is drawn far and fast nobody can read them. */
  hide(hidden: boolean): void { this.host.style.opacity = hidden ? '0' : ''; }

  close(): void { clearTimeout(this.tidying); }

  private shift(to_px: number): void {
    const dots = globalThis.devicePixelRatio || 1;
    this.host.style.transform = `translateY(${Math.round((to_px - MIDDLE_PX) * dots) / dots}px)`;
  }

  /** Brings the elements into the order of the rows, for those who hear them one after another. */
  private tidy(): void {
    let next = this.host.firstElementChild;
    for (const [, slot] of [...this.drawn].sort(([a], [b]) => a - b)) {
      if (slot.line === next) next = next.nextElementSibling; else this.host.insertBefore(slot.line, next);
    }
  }
}
