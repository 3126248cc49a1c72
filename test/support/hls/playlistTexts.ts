/** Playlist texts that keep all rules, to break one of them: a video of 2 s segments and six parts each, as our server has it. */

export interface MediaText {
  /** Number of the first segment. */
  first?: number;
  /** How many are whole. */
  whole?: number;
  /** Parts of the open one. */
  open?: number;
  /** EXT-X-SKIP instead of the first so many. */
  skipped?: number;
  ended?: boolean;
}

/** Wall clock of segment 0. */
const EPOCH = Date.UTC(2026, 10, 25, 21, 46, 44, 171);
const PARTS = 6;
const SEGMENTS_WITH_PARTS = 2;

const dateOf = (segment: number): string =>
  `#EXT-X-PROGRAM-DATE-TIME:${new Date(EPOCH + segment * 2000).toISOString()}`;
const partOf = (segment: number, part: number): string =>
  `#EXT-X-PART:DURATION=0.333333,URI="${segment}.${part}.m4s"${part === 0 ? ',INDEPENDENT=YES' : ''}`;

export function mediaText({ first = 10, whole = 8, open = 3, skipped = 0, ended = false }: MediaText = {}): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:9',
    '#EXT-X-TARGETDURATION:2',
    '#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=1.19467,HOLD-BACK=6.0',
    '#EXT-X-PART-INF:PART-TARGET=0.34134',
    `#EXT-X-MEDIA-SEQUENCE:${first}`,
  ];
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`);
  else lines.push('#EXT-X-MAP:URI="init-aed119a336f71415.mp4"');
  const end = first + whole;
  for (let segment = first + skipped; segment < end; segment++) {
    lines.push(dateOf(segment));
    if (segment >= end - SEGMENTS_WITH_PARTS)
      for (let part = 0; part < PARTS; part++) lines.push(partOf(segment, part));
    lines.push('#EXTINF:2.000,', `${segment}.m4s`);
  }
  if (ended) return `${[...lines, '#EXT-X-ENDLIST'].join('\n')}\n`;
  if (open > 0) lines.push(dateOf(end));
  for (let part = 0; part < open; part++) lines.push(partOf(end, part));
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${end}.${open}.m4s"`);
  const [msn, part] = open > 0 ? [end, open - 1] : [end - 1, PARTS - 1];
  lines.push(`#EXT-X-RENDITION-REPORT:URI="../a0/index.m3u8",LAST-MSN=${msn},LAST-PART=${part}`);
  return `${lines.join('\n')}\n`;
}

export const MULTIVARIANT_TEXT = `#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Program",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="b1/a0/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=3200000,AVERAGE-BANDWIDTH=2628000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
b1/v720/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1100000,AVERAGE-BANDWIDTH=928000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
b1/v360/index.m3u8
`;

/** A recording that is complete. */
export const VOD_TEXT = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init-aed119a336f71415.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-25T21:46:44.171Z
#EXTINF:2.000,
0.m4s
#EXTINF:1.333,
1.m4s
#EXT-X-ENDLIST
`;
