import { describe, expect, test } from 'vitest';
import * as client from '../../../client/shared/contract.ts';
import { MAX_ASSET_BYTES } from '../../../src/contracts/assets.ts';
import { BEACON_EVERY_MS } from '../../../src/contracts/beacon.ts';
import { BroadcastInput } from '../../../src/contracts/broadcast.ts';
import { CHAT_NAMESPACE, CHAT_TEXT_LENGTH, REACTIONS } from '../../../src/contracts/chat.ts';
import { DisplayName, OLDEST_PROTOCOL, PROTOCOL, RoomId } from '../../../src/contracts/ids.ts';
import { MAX_SEATS } from '../../../src/contracts/job.ts';
import { Scene, VolumeDb } from '../../../src/contracts/scene.ts';
import { MAX_AHEAD_MS, TITLE_LENGTH } from '../../../src/contracts/schedule.ts';
import { PREVIEW, REASON_LENGTH } from '../../../src/contracts/signaling.ts';

describe('the values that the pages repeat are those of the contracts', () => {
  test('protocol, seats, destinations, length of a name', () => {
    expect([client.PROTOCOL, client.OLDEST_PROTOCOL]).toEqual([PROTOCOL, OLDEST_PROTOCOL]);
    expect(client.MAX_SEATS).toBe(MAX_SEATS);
    expect(client.PREVIEW).toEqual(PREVIEW);
    expect(client.REASON_LENGTH).toBe(REASON_LENGTH);
    expect([client.MAX_SCHEDULE_MS, client.SCHEDULE_TITLE_LENGTH]).toEqual([MAX_AHEAD_MS, TITLE_LENGTH]);
    expect(client.BEACON_EVERY_MS).toBe(BEACON_EVERY_MS);
    const many = (count: number) => ({ destinations: Array.from({ length: count }, () => ({ url: 'rtmp://a/b' })) });
    expect(BroadcastInput.safeParse(many(client.MAX_DESTINATIONS)).success).toBe(true);
    expect(BroadcastInput.safeParse(many(client.MAX_DESTINATIONS + 1)).success).toBe(false);
    expect(DisplayName.safeParse('x'.repeat(client.NAME_LENGTH)).success).toBe(true);
    expect(DisplayName.safeParse('x'.repeat(client.NAME_LENGTH + 1)).success).toBe(false);
  });

  test.each(['demo', 'a', '9-x_', 'x'.repeat(64), 'x'.repeat(65), '', '-a', '_a', 'A', 'a.b', 'a/b', 'a%20', 'ä'])(
    'room id %j',
    (id) => {
      expect(client.ROOM_ID.test(id)).toBe(RoomId.safeParse(id).success);
    },
  );
});

test('the chat’s namespace, texts and reactions are those of the contract', () => {
  expect([client.CHAT_NAMESPACE, client.CHAT_TEXT_LENGTH]).toEqual([CHAT_NAMESPACE, CHAT_TEXT_LENGTH]);
  expect(client.REACTIONS).toEqual(REACTIONS);
});

test('the size of a file is that of the contract', () => {
  expect(client.MAX_ASSET_BYTES).toBe(MAX_ASSET_BYTES);
});

test('volumes and texts of the scene are those of the contract', () => {
  expect([VolumeDb.minValue, VolumeDb.maxValue]).toEqual([client.VOLUME_DB.min, client.VOLUME_DB.max]);
  const { title, subtitle, captions, slate } = client.SCENE_TEXT;
  const scene = (more: number) => ({
    lowerThird: { title: 'x'.repeat(title + more), subtitle: 'x'.repeat(subtitle) },
    captions: 'x'.repeat(captions),
    slateText: 'x'.repeat(slate),
  });
  expect(Scene.safeParse(scene(0)).success).toBe(true);
  expect(Scene.safeParse(scene(1)).success).toBe(false);
  expect(Scene.safeParse({ lowerThird: { title: 'x', subtitle: 'x'.repeat(subtitle + 1) } }).success).toBe(false);
  expect(Scene.safeParse({ captions: 'x'.repeat(captions + 1) }).success).toBe(false);
});

describe('room names', () => {
  test('the room of a path', () => {
    expect(client.roomOfPath('/studio/demo')).toBe('demo');
    expect(client.roomOfPath('/watch/demo/')).toBe('demo');
    expect(client.roomOfPath('/embed/demo')).toBe('demo');
    for (const path of ['/studio/', '/studio/De', '/studio/..%2fx', '/other/demo', '/studio/a/b', '/'])
      expect(client.roomOfPath(path)).toBeUndefined();
  });

  test('what somebody typed becomes an id', () => {
    expect(client.toRoomId('My Show! 2')).toBe('my-show-2');
    expect(client.toRoomId('--Été ')).toBe('ete-');
    expect(client.toRoomId('x'.repeat(80))).toHaveLength(64);
    expect(client.toRoomId('连麦')).toBe('');
  });

  test.each([0, 0.5, 0.999999])('a suggestion is valid with random %d', (random) => {
    expect(RoomId.safeParse(client.suggestRoom(() => random)).success).toBe(true);
  });
});
