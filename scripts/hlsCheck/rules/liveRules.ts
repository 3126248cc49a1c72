/** Rules that only the server's answers and the media show. */
import { must, type Rule, should } from './rule.ts';

/** Of the bytes. */
const MEDIA_RULES = {
  'media-there': must('draft 6.2.1', 'What a playlist lists without GAP can be fetched at once.'),
  'media-form': must('draft 3.1.2', 'A segment is fragments of the track that EXT-X-MAP describes.'),
  'init-stable': must('draft 3.1.2, ours', 'An init segment has the same bytes each time, since caches keep it.'),
  'parts-join': must('draft 3.2', 'The parts of a segment, joined, are the segment’s bytes.'),
  'bytes-stable': must('ours', 'A part or segment has the same bytes each time, since caches keep it.'),
  'decode-time': must('Apple 7.1, 7.3', 'tfdt is the decode time plus the duration of what came before.'),
  'extinf-true': must('Apple 8.1', 'EXTINF is what the samples last, within a millisecond.'),
  'part-true': must('Apple 8.1', 'The DURATION of a part is what its samples last, within a millisecond.'),
  'key-first': must('Apple 7.4', 'A video segment starts with an IDR frame.'),
  'independent-true': must(
    'draft 4.4.4.9',
    'A part with INDEPENDENT=YES has an independent frame, and one that starts with one says so.',
  ),
  'date-true': must(
    'draft 6.2.4',
    'Dates and decode times map to each other in the same way in all segments and renditions.',
  ),
  'date-drift': must('draft 6.2.1', 'EXT-X-PROGRAM-DATE-TIME does not drift against the wall clock.'),
  'date-future': should('Apple 8.5', 'No part is listed before the date of its end, nor long after it.'),
  'codecs-true': must('draft 6.2.4', 'CODECS names the formats of the media, no less and no more.'),
  'resolution-true': must('draft 4.4.6.2', 'RESOLUTION is the size of the picture.'),
  'frame-rate-true': must('draft 4.4.6.2', 'FRAME-RATE is the rate of the frames.'),
  'channels-true': must('draft 4.4.6.1', 'CHANNELS is the number of channels.'),
  'bandwidth-true': must(
    'Apple 1.27, 1.29',
    'The measured peak is below 125 % of BANDWIDTH while live, within 10 % of it afterwards.',
  ),
  'average-true': must(
    'Apple 1.26, 1.28',
    'The measured average is below 110 % of AVERAGE-BANDWIDTH while live, within 10 % of it afterwards.',
  ),
  'vtt-form': must('draft 3.1.4, WebVTT 4.1', 'A segment of WebVTT is WEBVTT and cues, each with times and a text.'),
  'vtt-map': should('draft 3.1.4', 'A segment of WebVTT has an X-TIMESTAMP-MAP.'),
  'vtt-time': must('draft 3.1.4', 'On the timeline of the other media, a segment’s cues are shown within its time.'),
  'vtt-repeat': must('draft 3.1.4', 'A cue that reaches into the next segment is in that, too, with its whole time.'),
  'bitrate-true': must('draft 4.4.4.8', 'EXT-X-BITRATE is within 10 % of the segment’s bit rate.'),
} satisfies Record<string, Rule>;

/** Of the server's answers. */
const ANSWER_RULES = {
  'answer-whole': must('RFC 9112 8', 'Each request gets a whole answer.'),
  'block-answer': must(
    'draft 6.2.5.2',
    'A blocking reload is answered when the playlist has the part or segment that was asked for, not before.',
  ),
  'block-bound': should(
    'draft 6.2.5.2',
    'A blocking reload is held for three target durations at most, and then answered with 503.',
  ),
  'block-prompt': must('draft 6.2.5.2, ours', 'A blocking reload is answered as soon as the part is there.'),
  'block-roll': must('draft 6.2.5.2', 'A part index beyond the segment’s last means the first part of the next.'),
  'block-stale': must(
    'draft 6.2.5.2',
    'A segment that is long there, or gone, is answered with the whole current playlist.',
  ),
  'block-ended': must('draft 6.2.5.2', 'Directives are ignored when the playlist has ended.'),
  'part-alone': must('draft 6.2.5.2', '_HLS_part without _HLS_msn is a bad request (400).'),
  'sequence-ahead': should('draft 6.2.5.2', '_HLS_msn more than two beyond the last segment is a bad request (400).'),
  'part-ahead': should('draft 6.2.5.2', '_HLS_part beyond the advance part limit is a bad request (400).'),
  'directive-form': must('draft 6.2.5, ours', '_HLS_msn and _HLS_part that are no numbers are a bad request (400).'),
  'delta-answer': must(
    'draft 6.2.5.1',
    '_HLS_skip=YES or v2 is answered with a delta update when CAN-SKIP-UNTIL is offered, and ignored otherwise.',
  ),
  'delta-equal': must('draft 6.2.5.1', 'A delta update, merged into the version before, is the whole playlist.'),
  'hint-held': must('draft 6.2.6', 'A request for the hinted part is held until the part is whole.'),
  'unknown-404': should('draft 6.2.6', 'What is neither there nor hinted at is Not Found.'),
  'part-cadence': must(
    'draft 6.2.1',
    'A new part comes within one part target after the last, give or take PART-HOLD-BACK; after media that were lost, within three target durations.',
  ),
  'segment-cadence': must(
    'draft 6.2.1',
    'A new segment comes within 1.5 target durations after the last, give or take PART-HOLD-BACK.',
  ),
  'report-true': must('draft 4.4.5.4', 'EXT-X-RENDITION-REPORT says where the other rendition is.'),
  'part-kept': must('draft 6.2.2', 'A part can be fetched for three target durations after it is no longer listed.'),
  'segment-kept': must(
    'draft 6.2.2',
    'A segment can be fetched for its duration and the playlist’s after it was first listed.',
  ),
  'type-playlist': should('Apple 10.4', 'Playlists are application/vnd.apple.mpegurl.'),
  'type-media': should(
    'Apple 10.4',
    'Fragmented MP4 is video/mp4, audio/mp4 or video/iso.segment, WebVTT is text/vtt.',
  ),
  'gzip-playlist': must(
    'Apple 10.1',
    'Playlists are delivered with gzip to who accepts it, and decode to the same text.',
  ),
  'no-redirect': must('Apple 8.18', 'Media requests are not redirected.'),
  'cross-origin': must('ours', 'Every answer carries Access-Control-Allow-Origin, since players are on other pages.'),
  'cache-media': must('ours', 'Media may be cached for longer than the playlist lists it, since it never changes.'),
  'cache-playlist': must(
    'ours',
    'A media playlist without directives may be cached for less than a part, a multivariant playlist for a segment; what was waited for may be shared.',
  ),
  'cache-error': must('ours', 'An error is not cached for longer than a part.'),
  'length-media': must('ours', 'Media have a Content-Length, which is right.'),
  'head-same': must('RFC 9110 9.3.2', 'HEAD has the headers of GET, and no body.'),
  'range-media': must(
    'RFC 9110 14.2',
    'A range of media is answered with 206 and these bytes, one beyond the end with 416.',
  ),
  'http-2': must('draft B.1', 'Over TLS, HTTP/2 is offered.'),
} satisfies Record<string, Rule>;

export const LIVE_RULES = { ...MEDIA_RULES, ...ANSWER_RULES };

/** Requirements of Apple's that this checker does not ask for. */
export const NOT_ASKED: readonly { from: string; why: string }[] = [
  { from: 'Apple 6.1', why: 'I-frame playlists are for scrubbing; a live window of seconds has nothing to scrub in.' },
  { from: 'Apple 7.5, 7.6', why: 'Segments of 6 s are for players without low latency; ours are as long as a GOP.' },
  { from: 'Apple 8.12', why: 'How much content a live playlist holds is a setting of the broadcast.' },
  { from: 'Apple 9.9, 9.10', why: 'How many qualities there are is a setting of the broadcast.' },
  { from: 'Apple 10.2', why: 'Failover is in front of a server, not in it.' },
  { from: 'Apple 11, 12', why: 'TLS is a setting of the server, or of what is in front of it.' },
];
