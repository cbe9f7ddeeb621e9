// What a person means by the text in the search box: a reference, a date or time, numbers, an extension, a tag, and words for the rest.
import type { Wall } from '../time';
import { findWhen, type Span } from './when';

export type Asked = {
  q: string; number: string; extension: string; reference: string; tag: string; name: string; subject: string; comment: string; tap: string;
  span: Span | null;
};

const FIELDS: Record<string, keyof Omit<Asked, 'span'>> = {
  number: 'number', nommer: 'number', name: 'name', naam: 'name', ref: 'reference', reference: 'reference', verwysing: 'reference', tag: 'tag', merker: 'tag',
  subject: 'subject', onderwerp: 'subject', comment: 'comment', kommentaar: 'comment', tap: 'tap', ext: 'extension', extension: 'extension', uitbreiding: 'extension',
};
const FIELD = new RegExp(`(?<![\\w])(${Object.keys(FIELDS).join('|')}):\\s*(?:"([^"]*)"|(\\S+))`, 'iu');
const EXTENSION = /(?<!\S)(?:ext\.?|extension|uitbreiding|x)\s?(\d{2,6})(?!\S)/iu;
const TAG = /(?<!\S)#(?:"([^"]+)"|([^\s#"]+))/u;
const REFERENCE = /(?<!\S)([a-z]\d{6}-\d{1,9})(?!\S)/iu;
// Digits as people group them: +27 11 555 0100, (011) 555-0100. Two digits alone are no number.
const NUMBER = /(?<!\S)\+?\(?\d[\d()\-/ ]*\d\)?(?!\S)/u;

/** Reads the search box. Nothing typed is ever refused: what is not understood is searched as words. */
export function readAsked(text: string, now: Wall): Asked {
  const asked: Asked = { q: '', number: '', extension: '', reference: '', tag: '', name: '', subject: '', comment: '', tap: '', span: null };
  let rest = ` ${text.slice(0, 500)} `;
  const cut = (match: { index: number; 0: string }) => { rest = `${rest.slice(0, match.index)} ${rest.slice(match.index + match[0].length)}`; };

  for (let match = FIELD.exec(rest); match; match = FIELD.exec(rest)) {
    const field = FIELDS[(match[1] ?? '').toLowerCase()];
    if (field) asked[field] = (match[2] ?? match[3] ?? '').trim();
    cut(match);
  }
  const quoted: string[] = [];
  const tag = TAG.exec(rest);
  if (tag && !asked.tag) { asked.tag = tag[1] ?? tag[2] ?? ''; cut(tag); }
  for (let match = /"([^"]*)"/u.exec(rest); match; match = /"([^"]*)"/u.exec(rest)) { if (match[1]?.trim()) quoted.push(match[1].trim()); cut(match); }
  const reference = REFERENCE.exec(rest);
  if (reference && !asked.reference) { asked.reference = (reference[1] ?? '').toUpperCase(); cut(reference); }
  const when = findWhen(rest, now);
  if (when) { asked.span = when.span; rest = `${rest.slice(0, when.from)} ${rest.slice(when.to)}`; }
  const extension = EXTENSION.exec(rest);
  if (extension && !asked.extension) { asked.extension = extension[1] ?? ''; cut(extension); }
  const number = NUMBER.exec(rest);
  const digits = number ? number[0].replace(/[^\d+]/g, '') : '';
  if (number && !asked.number && digits.length >= 3) { asked.number = digits; cut(number); }
  asked.q = [...quoted, ...rest.split(/\s+/u)].filter(Boolean).join(' ');
  return asked;
}
