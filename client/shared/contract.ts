/**
 * The few values of the contracts that the pages need at run time. They are repeated here so that no page carries the
 * schema library; test/unit/client/contract.test.ts holds them to src/contracts.
 */

/** Version of the signalling and playback interfaces that this build speaks. */
export const PROTOCOL = 2;
/** The oldest one that it speaks, too: a server that is still of the version before is asked again with it. */
export const OLDEST_PROTOCOL = 1;
/** What a room id looks like. */
export const ROOM_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Longest display name. */
export const NAME_LENGTH = 64;
/** Seats of a room. */
export const MAX_SEATS = 16;
/** How far ahead a broadcast may be scheduled, ms. */
export const MAX_SCHEDULE_MS = 30 * 86_400_000;
/** Longest title of a scheduled broadcast, characters. */
export const SCHEDULE_TITLE_LENGTH = 120;
/** Most destinations of a broadcast. */
export const MAX_DESTINATIONS = 16;

/** Picture of somebody who asks for a seat: bytes at most, pixels. */
export const PREVIEW = { maxBytes: 40_000, width: 320, height: 180 };
/** Longest sentence of a host to somebody, characters. */
export const REASON_LENGTH = 200;

/** How loud a source may be made, decibels. */
export const VOLUME_DB = { min: -60, max: 12 };
/** Longest texts over the picture, characters. */
export const SCENE_TEXT = { title: 80, subtitle: 120, captions: 200, slate: 120 };

/** Largest image or sound, bytes. */
export const MAX_ASSET_BYTES = 16 * 1024 * 1024;

/** Between two words of a viewer's page on how it watches, ms. */
export const BEACON_EVERY_MS = 30_000;
/** Between two words of a studio page on how it sends, ms. */
export const HEALTH_REPORT_EVERY_MS = 4_000;

/** socket.io namespace of the chat. */
export const CHAT_NAMESPACE = '/chat';
/** Longest text in the chat, characters. */
export const CHAT_TEXT_LENGTH = 500;
/** What one can react with. */
export const REACTIONS = ['heart', 'clap', 'laugh', 'wow', 'party', 'fire'] as const;

/** The room id in `/studio/ROOM`, `/embed/ROOM`, `/watch/ROOM` or `/watch/~TOKEN/ROOM`; undefined when the path has none that is valid. */
export function roomOfPath(path: string): string | undefined {
  const segment = /^\/(?:studio|embed|watch|watch\/~[^/]+)\/([^/]+)\/?$/.exec(path)?.[1];
  return segment !== undefined && ROOM_ID.test(segment) ? segment : undefined;
}

/** Turns what somebody typed into a room id as well as it can: `My Show!` → `my-show`. */
export function toRoomId(typed: string): string {
  return typed
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 64);
}

const FIRST = ['amber', 'brisk', 'calm', 'clear', 'coral', 'early', 'gold', 'green', 'jade', 'lucky', 'north', 'quiet'];
const SECOND = ['bridge', 'cloud', 'crane', 'forest', 'garden', 'harbor', 'lantern', 'maple', 'river', 'stage', 'tide'];

/** A room name to start from: two words and two digits, valid as an id. `random` answers numbers in [0, 1). */
export function suggestRoom(random: () => number = Math.random): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? 'room';
  return `${pick(FIRST)}-${pick(SECOND)}-${10 + Math.floor(random() * 90)}`;
}
