// The console's keys in one list: the help panel shows it, and the handlers obey the same words.
import type { Page } from './address';

/** After `g`: where to go. */
export const KEY_PAGES: Record<string, Page> = { r: 'recordings', l: 'live', e: 'ledger', a: 'audit', c: 'archive', k: 'keeping', t: 'satellites', s: 'settings' };

/** Keys by place; each row is keys and the catalogue's word for what they do. */
export const KEYS: [place: string, rows: [keys: string[], does: string][]][] = [
  ['everywhere', [[['?'], 'help'], [['/'], 'search'], [['g r'], 'recordings'], [['g l'], 'live'], [['g e'], 'ledger'], [['g a'], 'audit'], [['g c'], 'archive'], [['g k'], 'keeping'], [['g t'], 'satellites'], [['g s'], 'settings'], [['Esc'], 'close']]],
  ['list', [[['↑', '↓', 'PgUp', 'PgDn', 'Home', 'End'], 'move'], [['Enter'], 'open'], [['x'], 'select'], [['Shift ↑', 'Shift ↓'], 'extend']]],
  ['player', [
    [['Space', 'k'], 'play'], [['←', '→'], 'five'], [['Shift ←', 'Shift →'], 'one'], [['j', 'l'], 'ten'], [['b'], 'bookmark'], [['['], 'loop-from'], [[']'], 'loop-to'], [['\\'], 'loop-off'],
    [['<', '>'], 'speed'], [['s'], 'skip'], [['+', '-'], 'zoom'], [['n', 'p'], 'bookmarks'],
  ]],
];

/** True when a key belongs to what has the focus: a field, a list to choose from. */
export function typing(target: EventTarget | null): boolean {
  const on = target as HTMLElement | null;
  if (!on?.closest) return false;
  return on.isContentEditable || on.closest('textarea, select, [role=listbox]') !== null || (on.tagName === 'INPUT' && !/^(checkbox|radio|range|button)$/.test((on as HTMLInputElement).type));
}

/** True when Space and Enter belong to what has the focus. */
export function pressable(target: EventTarget | null): boolean {
  return (target as HTMLElement | null)?.closest?.('button, a, summary, input, [role=button]') !== null;
}
