/** docs/playback.md: its table of what may be kept is that of the code, and its calls are ones that the API takes. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PlayTokenInput } from '../../../src/contracts/api.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { ERRORS, type ErrorCode } from '../../../src/contracts/errors.ts';
import { Grid, partSeconds } from '../../../src/contracts/grid.ts';
import { targetDurationSeconds } from '../../../src/delivery/hls/playlists.ts';
import {
  barePlaylist,
  blockedPlaylist,
  cacheControl,
  errorFreshness,
  MULTIVARIANT,
  PREFLIGHT,
  STATE,
} from '../../../src/delivery/http/cachePolicy.ts';

const text = readFileSync(new URL('../../../docs/playback.md', import.meta.url), 'utf8');
const table = text.slice(text.indexOf('<!-- caching -->'), text.indexOf('<!-- /caching -->'));
const rows = [...table.matchAll(/^\| (.+?) \| `([^`]+)` \|/gm)].map(([, answer, header]) => [answer, header]);
const grid = Grid.parse({});

test('what may be kept, and for how long, is as the code has it', () => {
  expect(rows.slice(1, 8)).toEqual([
    ['init segment, segment, part', cacheControl('immutable')],
    ['media playlist with `_HLS_msn`', cacheControl(blockedPlaylist(targetDurationSeconds(grid)))],
    ['media playlist without', cacheControl(barePlaylist(partSeconds(grid), false))],
    ['media playlist of a broadcast that has ended', cacheControl(barePlaylist(partSeconds(grid), true))],
    ['multivariant playlist', cacheControl(MULTIVARIANT)],
    ['`state.json`', cacheControl(STATE)],
    ['preflight (`OPTIONS`)', cacheControl(PREFLIGHT)],
  ]);
});

test('every error is in it: by its name, or among the others', () => {
  const named = new Map(
    rows.slice(8).map(([answer = '', header]) => [/`([\w-]+)`/.exec(answer)?.[1] ?? 'other', header]),
  );
  for (const code of Object.keys(ERRORS) as ErrorCode[])
    expect([code, named.get(code) ?? named.get('other')]).toEqual([code, cacheControl(errorFreshness(code))]);
});

test('its calls are ones that the API takes', () => {
  const [broadcast = '', token = ''] = [...text.matchAll(/-d '(\{.*\})'/g)].map(([, body]) => body);
  expect(BroadcastInput.parse(JSON.parse(broadcast)).playback).toBe('token');
  expect(PlayTokenInput.parse(JSON.parse(token)).expiresInSeconds).toBe(7200);
});
