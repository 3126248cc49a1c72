/** Headers and sentences that more than one place writes. */

export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
export const MEDIA_TYPES = { video: 'video/mp4', audio: 'audio/mp4' } as const;

/** Players on any page may read these of an answer (Fetch standard section 3.3.5); what is not listed they do not see. */
const EXPOSED = 'accept-ranges, age, content-encoding, content-length, content-range, date, etag, retry-after';

/** Of every answer below `/live/`. Pages that isolate themselves may have us in a media element, and see how long we took. */
export const COMMON_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': EXPOSED,
  'cross-origin-resource-policy': 'cross-origin',
  'timing-allow-origin': '*',
  'x-content-type-options': 'nosniff',
} as const;

/** A held request that was given up, or a node that is full: worth another attempt after this, s. */
export const RETRY_AFTER_SECONDS = '1';
/** To who has waited for a part for as long as may be. */
export const HELD_UP = 'The program is held up; ask again.';
