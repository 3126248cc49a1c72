/** Rules that a playlist's text alone shows, or two texts beside each other. */
import { must, type Rule, should } from './rule.ts';

/** Of any playlist. */
const TEXT_RULES = {
  'text-encoding': must(
    'draft 4',
    'A playlist is UTF-8 without a byte order mark, and without control characters but CR and LF.',
  ),
  'first-line': must('draft 4.4.1.1', 'EXTM3U is the first line.'),
  'tag-known': should('draft 4.1', 'Lines that begin with #EXT are tags that the draft defines.'),
  'tag-value': must('draft 4.4', 'The value of a tag has the form that the tag defines.'),
  'tag-once': must('draft 4.4.2, 4.4.3', 'A tag that describes the playlist appears once at most.'),
  'tag-place': must(
    'draft 4.4.3, 4.4.4, 4.4.6',
    'Tags of a media playlist and of a multivariant playlist are not mixed.',
  ),
  'attribute-syntax': must(
    'draft 4.2',
    'An attribute list is AttributeName=AttributeValue, parted by commas, without white space.',
  ),
  'attribute-once': must('draft 4.2', 'No attribute appears twice in a list.'),
  'attribute-type': must('draft 4.2', 'An attribute’s value is of the type that the tag defines.'),
  'attribute-choice': must('draft 4.4', 'An enumerated string is one of those that the tag defines.'),
  'attribute-required': must('draft 4.4', 'A required attribute is there.'),
  'version-minimum': must('draft 4.4.1.2, 8', 'EXT-X-VERSION is at least what the tags and attributes need.'),
  'version-excess': should(
    'draft 6.2.1',
    'EXT-X-VERSION is not above what the playlist, its media and its server need.',
  ),
} satisfies Record<string, Rule>;

/** Of a media playlist. */
const MEDIA_RULES = {
  'target-duration': must('draft 4.4.3.1', 'EXT-X-TARGETDURATION is there and at least 1.'),
  'extinf-required': must('draft 4.4.4.1', 'Each segment’s URI has an EXTINF.'),
  'segment-uri': must('draft 4.4.4', 'Each EXTINF is followed by its segment’s URI.'),
  'extinf-target': must('draft 4.4.3.1', 'EXTINF, rounded to the nearest second, is no more than the target duration.'),
  'extinf-over': must('Apple 7.7', 'A segment is no more than 0.5 s longer than the target duration.'),
  'sequence-first': must(
    'draft 4.4.3.2, 4.4.3.3',
    'EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE stand before the first segment.',
  ),
  'discontinuity-sequence': must(
    'Apple 8.17',
    'A live playlist with EXT-X-DISCONTINUITY has EXT-X-DISCONTINUITY-SEQUENCE.',
  ),
  'part-inf': must('draft 4.4.3.7', 'A playlist with EXT-X-PART has EXT-X-PART-INF.'),
  'part-hold-back': must(
    'draft 4.4.3.8',
    'A playlist with EXT-X-PART-INF has PART-HOLD-BACK, at least twice the part target.',
  ),
  'part-hold-back-three': must('Apple 14.3', 'PART-HOLD-BACK is at least three times the part target.'),
  'hold-back': must('draft 4.4.3.8', 'HOLD-BACK is at least three times the target duration.'),
  'skip-boundary': must('draft 4.4.3.8', 'CAN-SKIP-UNTIL is at least six times the target duration.'),
  'skip-dateranges': must('draft 4.4.3.8', 'CAN-SKIP-DATERANGES needs CAN-SKIP-UNTIL.'),
  'skip-allowed': must(
    'draft 6.2.5.1',
    'EXT-X-SKIP needs CAN-SKIP-UNTIL, and skips only what lies before the skip boundary.',
  ),
  'low-latency-profile': must('draft B.1', 'A live playlist with parts offers blocking reload.'),
  'part-longest': must('draft 4.4.4.9', 'No part is longer than the part target.'),
  'part-shortest': must(
    'draft 4.4.4.9',
    'A part is at least 85 % of the part target, unless it is independent, lost, before a lost one or its segment’s last.',
  ),
  'part-ranks': must(
    'draft 4.4.4.9',
    'DISCONTINUITY, KEY, MAP and PROGRAM-DATE-TIME stand before the first part of their segment.',
  ),
  'part-independent': should('draft 4.4.4.9', 'The first part of an independent segment has INDEPENDENT=YES.'),
  'part-sum': must('draft 4.4.4.1, 4.4.4.9', 'The parts of a whole segment add up to its EXTINF.'),
  'part-window': should('draft 6.2.2', 'No part is listed that is more than three target durations from the end.'),
  'part-gap': must('draft 6.2.1', 'A segment of which a part is lost is itself marked with EXT-X-GAP.'),
  'map-required': must('Apple 8.20', 'Fragmented MP4 has an EXT-X-MAP before its first segment.'),
  'date-time': must('Apple 8.4', 'A live playlist has EXT-X-PROGRAM-DATE-TIME.'),
  'date-time-form': should('draft 4.4.4.6', 'EXT-X-PROGRAM-DATE-TIME has a time zone and milliseconds.'),
  'date-time-clear': must(
    'draft 6.2.1',
    'Each segment’s date is the one before plus its duration: no overlap, no hole.',
  ),
  'date-time-break': should('draft 6.2.1', 'A segment after EXT-X-DISCONTINUITY has EXT-X-PROGRAM-DATE-TIME.'),
  'date-range-dates': must('draft 4.4.5.1', 'A playlist with EXT-X-DATERANGE has EXT-X-PROGRAM-DATE-TIME.'),
  'ended-hint': must('draft 4.4.5.3', 'A playlist that has ended has no EXT-X-PRELOAD-HINT.'),
  'hint-once': should('draft 6.2.6', 'There is one EXT-X-PRELOAD-HINT of a type at most.'),
  'hint-next': must('draft 4.4.5.3, 6.2.6', 'EXT-X-PRELOAD-HINT names what is not listed yet.'),
  'hint-there': should('draft 6.2.6', 'A live playlist with parts hints at the next part.'),
  'report-relative': must('draft 4.4.5.4', 'The URI of an EXT-X-RENDITION-REPORT is relative.'),
  'report-whole': must(
    'draft 4.4.5.4',
    'An EXT-X-RENDITION-REPORT says LAST-MSN, and LAST-PART where there are parts.',
  ),
  'window-least': must('Apple 8.11', 'A live playlist from which segments have been removed has at least six.'),
  'type-live': must('draft 6.2.2', 'A live playlist that drops segments has no EXT-X-PLAYLIST-TYPE.'),
  'type-vod': must('Apple 8.6', 'A playlist that is complete from its beginning has EXT-X-PLAYLIST-TYPE:VOD.'),
} satisfies Record<string, Rule>;

/** Of a multivariant playlist. */
const MULTIVARIANT_RULES = {
  'variant-uri': must('draft 4.4.6.2', 'EXT-X-STREAM-INF is followed by a URI.'),
  'variant-there': must('draft 4.4.6', 'A multivariant playlist has a variant.'),
  'variant-codecs': must('Apple 9.1', 'EXT-X-STREAM-INF has CODECS.'),
  'variant-resolution': must('Apple 9.2', 'EXT-X-STREAM-INF with video has RESOLUTION.'),
  'variant-frame-rate': must('Apple 9.15', 'EXT-X-STREAM-INF with video has FRAME-RATE.'),
  'variant-average': must('Apple 9.14', 'EXT-X-STREAM-INF has AVERAGE-BANDWIDTH.'),
  'frame-rate-form': must('draft 4.4.6.2', 'FRAME-RATE is rounded to three decimals.'),
  'frame-rate-most': must('Apple 1.19', 'FRAME-RATE is 60 at most.'),
  'bandwidth-order': must('draft 4.4.6.2', 'BANDWIDTH, the peak, is not below AVERAGE-BANDWIDTH.'),
  'codecs-h264': must('Apple 1.3b', 'H.264 is High Profile, Level 5.2 at most.'),
  'group-there': must('draft 4.4.6.2', 'AUDIO, VIDEO, SUBTITLES and CLOSED-CAPTIONS name groups that exist.'),
  'captions-all': must('draft 4.4.6.2', 'CLOSED-CAPTIONS=NONE is on all variants or on none.'),
  'group-names': must('draft 4.4.6.1.1', 'Members of a group have different names.'),
  'group-default': must('draft 4.4.6.1.1', 'A group has one member with DEFAULT=YES at most.'),
  'group-autoselect': must('draft 4.4.6.1', 'AUTOSELECT, where present, is YES with DEFAULT=YES.'),
  'media-uri': must('draft 4.4.6.1', 'EXT-X-MEDIA of SUBTITLES has a URI, of CLOSED-CAPTIONS has none.'),
  'media-language': must('Apple 8.10', 'EXT-X-MEDIA has LANGUAGE unless its TYPE is VIDEO.'),
  'media-channels': should('draft 4.4.6.1', 'EXT-X-MEDIA of audio has CHANNELS.'),
  'media-audio-only': must('draft 4.4.6.1', 'CHANNELS, BIT-DEPTH and SAMPLE-RATE are on audio only.'),
  'variants-independent': should('Apple 9.11', 'EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist.'),
  'score-all': must('Apple 9.19', 'SCORE is on all variants or on none.'),
  'aspect-same': should('Apple 1.33', 'All video variants have the same aspect ratio.'),
} satisfies Record<string, Rule>;

/** Of two versions of one media playlist. */
const UPDATE_RULES = {
  'update-sequence': must(
    'draft 6.2.2',
    'EXT-X-MEDIA-SEQUENCE never decreases, and grows by one for each segment that is removed.',
  ),
  'update-discontinuities': must(
    'draft 6.2.2',
    'EXT-X-DISCONTINUITY-SEQUENCE grows by the discontinuities that are removed.',
  ),
  'update-constants': must(
    'draft 6.2.1, 6.2.4',
    'Version, target duration, part target and server control do not change.',
  ),
  'update-segments': must(
    'draft 6.2.1',
    'A segment that is listed does not change: URI, duration, date, map, gap, discontinuity.',
  ),
  'update-parts': must('draft 6.2.1', 'A part that is listed does not change, and parts are appended.'),
  'update-parts-removed': must('draft 6.2.2', 'Parts are removed oldest segment first.'),
  'update-end': must('draft 4.4.3.4', 'After EXT-X-ENDLIST nothing changes.'),
  'update-hint': must('draft 4.4.5.3', 'What was hinted at is what is added next.'),
  'update-short': must(
    'draft 6.2.2',
    'No segment is removed from a live playlist that would be shorter than three target durations then.',
  ),
} satisfies Record<string, Rule>;

/** Of all playlists of one presentation. */
const SET_RULES = {
  'same-target': must('draft 6.2.4, Apple 8.2', 'All media playlists have the same target duration.'),
  'same-control': must('draft 6.2.4', 'All media playlists have the same EXT-X-SERVER-CONTROL.'),
  'same-dates': must('draft 6.2.4', 'All media playlists have EXT-X-PROGRAM-DATE-TIME, or none.'),
  'same-discontinuities': must('draft 6.2.4, Apple 8.15', 'Discontinuity sequence numbers of matching segments match.'),
  'same-boundaries': should('Apple 8.22', 'Segments of all renditions begin at the same time.'),
  'independent-twice': should(
    'draft 4.4.2.1',
    'What the multivariant playlist says with EXT-X-INDEPENDENT-SEGMENTS is not said again in media playlists.',
  ),
  'reports-all': must(
    'draft B.1',
    'A live playlist with parts has an EXT-X-RENDITION-REPORT for each other media playlist.',
  ),
} satisfies Record<string, Rule>;

export const PLAYLIST_RULES = {
  ...TEXT_RULES,
  ...MEDIA_RULES,
  ...MULTIVARIANT_RULES,
  ...UPDATE_RULES,
  ...SET_RULES,
};
