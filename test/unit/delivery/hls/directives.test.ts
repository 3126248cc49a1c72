import { describe, expect, test } from 'vitest';
import { canonicalQuery, parseDirectives } from '../../../../src/delivery/hls/directives.ts';

describe('delivery directives', () => {
  test.each([
    [{}, { msn: null, part: null, skip: false }],
    [{ _HLS_msn: '7' }, { msn: 7, part: null, skip: false }],
    [
      { _HLS_msn: '7', _HLS_part: '0' },
      { msn: 7, part: 0, skip: false },
    ],
    [{ _HLS_skip: 'YES' }, { msn: null, part: null, skip: true }],
    [
      { _HLS_msn: '7', _HLS_skip: 'v2' },
      { msn: 7, part: null, skip: true },
    ],
    // Values and parameters that the draft does not name mean nothing.
    [
      { _HLS_skip: 'NO', _HLS_other: '1', t: '9' },
      { msn: null, part: null, skip: false },
    ],
    [{ _HLS_msn: '007' }, { msn: 7, part: null, skip: false }],
  ])('%o', (query, directives) => {
    expect(parseDirectives(query)).toEqual(directives);
  });

  test.each([
    [{ _HLS_part: '1' }, '_HLS_part needs _HLS_msn'],
    [{ _HLS_part: '1', _HLS_skip: 'YES' }, '_HLS_part needs _HLS_msn'],
    [{ _HLS_msn: '' }, 'whole number'],
    [{ _HLS_msn: '-1' }, 'whole number'],
    [{ _HLS_msn: '+1' }, 'whole number'],
    [{ _HLS_msn: '1.0' }, 'whole number'],
    [{ _HLS_msn: '1', _HLS_part: '0x1' }, 'whole number'],
    [{ _HLS_msn: '9'.repeat(13) }, 'whole number'],
    [{ _HLS_msn: ['1', '1'] }, 'given twice'],
    [{ _HLS_skip: ['YES', 'YES'] }, 'given twice'],
  ])('%o is refused', (query, sentence) => {
    expect(() => parseDirectives(query)).toThrow(sentence);
  });

  test('queries with one meaning have one canonical form', () => {
    const forms = [
      { _HLS_msn: '7', _HLS_part: '2', _HLS_skip: 'YES' },
      { _HLS_skip: 'v2', _HLS_part: '02', _HLS_msn: '7', cb: '123' },
    ].map((query) => canonicalQuery(parseDirectives(query)));
    expect(new Set(forms)).toEqual(new Set(['?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES']));
    expect(canonicalQuery(parseDirectives({ cb: '1' }))).toBe('');
    expect(canonicalQuery(parseDirectives({ _HLS_msn: '0' }))).toBe('?_HLS_msn=0');
  });
});
