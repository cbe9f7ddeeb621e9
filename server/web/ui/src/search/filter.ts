// What is searched: the text of the box and the chips beside it, as it stands in the address, and as the server is asked.
import type { Params } from '../api';
import { readLength, type Wall } from '../time';
import { readAsked } from './asked';

export const DIRECTIONS = ['in', 'out', 'internal', 'unknown'];
export const METHODS = ['voip', 'isdn', 'analogue', 'digital', 'radio'];
export const SIDES = ['trunk', 'extension'];

export type Filter = {
  text: string; direction: string[]; method: string[]; side: string[]; tap: string; tag: string;
  /** Lengths as typed: `30s`, `2m`. */
  longer: string; shorter: string; gap: boolean; held: boolean; oldest: boolean;
};
export const NO_FILTER: Filter = { text: '', direction: [], method: [], side: [], tap: '', tag: '', longer: '', shorter: '', gap: false, held: false, oldest: false };

const known = (text: string | null, of: string[]) => (text ?? '').split(',').filter((word) => of.includes(word));

/** Reads the filter of an address; what is not understood there counts as not set. */
export function readFilter(query: URLSearchParams): Filter {
  return {
    text: query.get('q') ?? '', direction: known(query.get('direction'), DIRECTIONS), method: known(query.get('method'), METHODS), side: known(query.get('side'), SIDES),
    tap: query.get('tap') ?? '', tag: query.get('tag') ?? '', longer: query.get('longer') ?? '', shorter: query.get('shorter') ?? '',
    gap: query.get('gap') === '1', held: query.get('held') === '1', oldest: query.get('order') === 'oldest',
  };
}

export function writeFilter(of: Filter): Record<string, string> {
  return {
    q: of.text, direction: of.direction.join(','), method: of.method.join(','), side: of.side.join(','), tap: of.tap, tag: of.tag,
    longer: of.longer, shorter: of.shorter, gap: of.gap ? '1' : '', held: of.held ? '1' : '', order: of.oldest ? 'oldest' : '',
  };
}

/** Turns a filter into what the server is asked; the chips win over the same thing typed. */
export function paramsOf(of: Filter, now: Wall): Params {
  const asked = readAsked(of.text, now);
  return {
    q: asked.q, number: asked.number, extension: asked.extension, reference: asked.reference, name: asked.name, subject: asked.subject, comment: asked.comment,
    tag: of.tag || asked.tag, tap: of.tap || asked.tap, since: asked.span?.since, until: asked.span?.until,
    direction: of.direction.join(','), method: of.method.join(','), side: of.side.join(','),
    min_seconds: of.longer ? readLength(of.longer) : null, max_seconds: of.shorter ? readLength(of.shorter) : null,
    has_gap: of.gap ? true : null, held: of.held ? true : null, order: of.oldest ? 'oldest' : null,
  };
}

/** Counts the chips that are set; the text is not one. */
export const chipsSet = (of: Filter): number =>
  of.direction.length + of.method.length + of.side.length + [of.tap, of.tag, of.longer, of.shorter, of.gap, of.held].filter(Boolean).length;
export const isEmpty = (of: Filter): boolean => !of.text.trim() && chipsSet(of) === 0;
