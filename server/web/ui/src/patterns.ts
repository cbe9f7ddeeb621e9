// Patterns of extensions as the rules read them: an extension, a range of equal length, or a wildcard where each `*` is one character.

/** Splits a list typed by a person: commas, spaces or lines. */
export const splitPatterns = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

/** Says what is wrong with a pattern, as the end of a key of the catalogue; null when nothing is. */
export function patternFault(pattern: string): 'range' | 'characters' | null {
  const range = /^([^-]+)-([^-]+)$/.exec(pattern);
  if (range) {
    const [from = '', to = ''] = [range[1], range[2]];
    return /^\d+$/.test(from) && /^\d+$/.test(to) && from.length === to.length && from <= to ? null : 'range';
  }
  return /^[\w+*#.@]+$/.test(pattern) ? null : 'characters';
}

export function firstFault(patterns: string[]): { pattern: string; fault: 'range' | 'characters' } | null {
  for (const pattern of patterns) { const fault = patternFault(pattern); if (fault) return { pattern, fault }; }
  return null;
}
