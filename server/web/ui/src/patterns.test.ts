import { expect, test } from 'vitest';
import { firstFault, patternFault, splitPatterns } from './patterns';

test('a list may be typed any way', () => { expect(splitPatterns(' 200, 3***\n3111-3118;200 ')).toEqual(['200', '3***', '3111-3118']); expect(splitPatterns('')).toEqual([]); });
test.each([['200', null], ['3***', null], ['3111-3118', null], ['*', null], ['31-3118', 'range'], ['3118-3111', 'range'], ['a-b', 'range'], ['20 0', 'characters'], ['2!0', 'characters']])(
  'the pattern %s', (pattern, fault) => { expect(patternFault(pattern)).toBe(fault); });
test('the first faulty pattern is named', () => { expect(firstFault(['200', '9-1', '!'])).toEqual({ pattern: '9-1', fault: 'range' }); expect(firstFault([])).toBeNull(); });
