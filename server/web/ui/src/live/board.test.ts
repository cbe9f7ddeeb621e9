import { expect, test } from 'vitest';
import type { Line } from '../api';
import { readEnd } from '../ends';
import { meter, sortLines } from './board';

const line = (state: Line['state'], started_at: string | null): Line => ({ recording_id: null, reference: null, satellite: null, tap: 't', side: 'trunk', state, started_at, seconds: 0, caller: null, called: null, direction: 'in', codecs: [], level_dbfs: null, listenable: false, fault: null });

test('faults come first and idle lines last', () => {
  const of = sortLines([line('idle', null), line('recording', '2026-11-22T10:00'), line('fault', '2026-11-22T11:00'), line('ringing', '2026-11-22T12:00'), line('recording', '2026-11-22T09:00')]);
  expect(of.map((l) => [l.state, l.started_at?.slice(11)])).toEqual([['fault', '11:00'], ['recording', '09:00'], ['recording', '10:00'], ['ringing', '12:00'], ['idle', undefined]]);
});
test.each([[null, 0], [-90, 0], [-60, 0], [-30, 50], [0, 100], [6, 100], [Number.NaN, 0]])('%d dB fills %i of 100', (level, expected) => { expect(meter(level)).toBe(expected); });
test.each([['recorded', 'recorded', ''], ['partly(crash)', 'partly', 'crash'], ['not recorded(rule)', 'not-recorded', 'rule'], ['not_recorded(limit)', 'not-recorded', 'limit'], ['open', 'open', ''], ['', 'open', '']])(
  'the end %s', (end, kind, why) => { expect(readEnd(end)).toEqual({ kind, why }); });
