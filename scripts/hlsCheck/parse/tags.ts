/** The tags of the draft's section 4.4: where each belongs, what its value looks like, and which version it needs (section 8). */
import type { AttributeForms } from './attributes.ts';

export type TagPlace = 'any' | 'media' | 'segment' | 'metadata' | 'multivariant';

export interface TagForm {
  place: TagPlace;
  /** The value behind the colon; `none`: no colon either. */
  value: 'none' | 'attributes' | RegExp;
  attributes?: AttributeForms;
  /** May appear more than once though it describes the whole playlist. */
  repeats?: boolean;
}

const INTEGER = /^\d{1,20}$/;
const YES = { type: 'enum', choice: ['YES'] } as const;
const YES_NO = { type: 'enum', choice: ['YES', 'NO'] } as const;
const quoted = { type: 'quoted' } as const;
const needed = { type: 'quoted', required: true } as const;
const float = { type: 'float' } as const;
const integer = { type: 'integer' } as const;

const KEY: AttributeForms = {
  METHOD: { type: 'enum', required: true },
  URI: quoted,
  IV: { type: 'hex' },
  KEYFORMAT: quoted,
  KEYFORMATVERSIONS: quoted,
};

const STREAM: AttributeForms = {
  BANDWIDTH: { type: 'integer', required: true },
  'AVERAGE-BANDWIDTH': integer,
  SCORE: float,
  CODECS: quoted,
  'SUPPLEMENTAL-CODECS': quoted,
  RESOLUTION: { type: 'resolution' },
  'HDCP-LEVEL': { type: 'enum', choice: ['TYPE-0', 'TYPE-1', 'NONE'] },
  'ALLOWED-CPC': quoted,
  'VIDEO-RANGE': { type: 'enum', choice: ['SDR', 'HLG', 'PQ'] },
  'REQ-VIDEO-LAYOUT': quoted,
  'STABLE-VARIANT-ID': quoted,
  VIDEO: quoted,
  'PATHWAY-ID': quoted,
};

export const TAGS: Readonly<Record<string, TagForm>> = {
  EXTM3U: { place: 'any', value: 'none' },
  'EXT-X-VERSION': { place: 'any', value: INTEGER },
  'EXT-X-INDEPENDENT-SEGMENTS': { place: 'any', value: 'none' },
  'EXT-X-START': {
    ...{ place: 'any', value: 'attributes' },
    attributes: { 'TIME-OFFSET': { type: 'signed-float', required: true }, PRECISE: YES_NO },
  },
  'EXT-X-DEFINE': {
    ...{ place: 'any', value: 'attributes', repeats: true },
    attributes: { NAME: quoted, VALUE: quoted, IMPORT: quoted, QUERYPARAM: quoted },
  },
  'EXT-X-TARGETDURATION': { place: 'media', value: INTEGER },
  'EXT-X-MEDIA-SEQUENCE': { place: 'media', value: INTEGER },
  'EXT-X-DISCONTINUITY-SEQUENCE': { place: 'media', value: INTEGER },
  'EXT-X-ENDLIST': { place: 'media', value: 'none' },
  'EXT-X-PLAYLIST-TYPE': { place: 'media', value: /^(EVENT|VOD)$/ },
  'EXT-X-I-FRAMES-ONLY': { place: 'media', value: 'none' },
  'EXT-X-PART-INF': {
    ...{ place: 'media', value: 'attributes' },
    attributes: { 'PART-TARGET': { type: 'float', required: true } },
  },
  'EXT-X-SERVER-CONTROL': {
    ...{ place: 'media', value: 'attributes' },
    attributes: {
      'CAN-SKIP-UNTIL': float,
      'CAN-SKIP-DATERANGES': YES,
      'HOLD-BACK': float,
      'PART-HOLD-BACK': float,
      'CAN-BLOCK-RELOAD': YES,
    },
  },
  EXTINF: { place: 'segment', value: /^\d+(\.\d+)?,.*$/ },
  'EXT-X-BYTERANGE': { place: 'segment', value: /^\d+(@\d+)?$/ },
  'EXT-X-DISCONTINUITY': { place: 'segment', value: 'none' },
  'EXT-X-KEY': { place: 'segment', value: 'attributes', attributes: KEY },
  'EXT-X-MAP': { place: 'segment', value: 'attributes', attributes: { URI: needed, BYTERANGE: quoted } },
  'EXT-X-PROGRAM-DATE-TIME': { place: 'segment', value: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/ },
  'EXT-X-GAP': { place: 'segment', value: 'none' },
  'EXT-X-BITRATE': { place: 'segment', value: INTEGER },
  'EXT-X-PART': {
    ...{ place: 'segment', value: 'attributes' },
    attributes: {
      URI: needed,
      DURATION: { type: 'float', required: true },
      INDEPENDENT: YES,
      BYTERANGE: quoted,
      GAP: YES,
    },
  },
  'EXT-X-DATERANGE': {
    ...{ place: 'metadata', value: 'attributes' },
    attributes: {
      ID: needed,
      CLASS: quoted,
      'START-DATE': quoted,
      CUE: quoted,
      'END-DATE': quoted,
      DURATION: float,
      'PLANNED-DURATION': float,
      'END-ON-NEXT': YES,
    },
  },
  'EXT-X-SKIP': {
    ...{ place: 'media', value: 'attributes' },
    attributes: { 'SKIPPED-SEGMENTS': { type: 'integer', required: true }, 'RECENTLY-REMOVED-DATERANGES': quoted },
  },
  'EXT-X-PRELOAD-HINT': {
    ...{ place: 'metadata', value: 'attributes' },
    attributes: {
      TYPE: { type: 'enum', required: true, choice: ['PART', 'MAP'] },
      URI: needed,
      'BYTERANGE-START': integer,
      'BYTERANGE-LENGTH': integer,
    },
  },
  'EXT-X-RENDITION-REPORT': {
    ...{ place: 'metadata', value: 'attributes' },
    // What the draft lets a server leave out is judged by `report-whole`.
    attributes: { URI: needed, 'LAST-MSN': integer, 'LAST-PART': integer },
  },
  'EXT-X-MEDIA': {
    ...{ place: 'multivariant', value: 'attributes', repeats: true },
    attributes: {
      TYPE: { type: 'enum', required: true, choice: ['AUDIO', 'VIDEO', 'SUBTITLES', 'CLOSED-CAPTIONS'] },
      URI: quoted,
      'GROUP-ID': needed,
      LANGUAGE: quoted,
      'ASSOC-LANGUAGE': quoted,
      NAME: needed,
      'STABLE-RENDITION-ID': quoted,
      DEFAULT: YES_NO,
      AUTOSELECT: YES_NO,
      FORCED: YES_NO,
      'INSTREAM-ID': quoted,
      'BIT-DEPTH': integer,
      'SAMPLE-RATE': integer,
      CHARACTERISTICS: quoted,
      CHANNELS: quoted,
      'PATHWAY-ID': quoted,
    },
  },
  'EXT-X-STREAM-INF': {
    ...{ place: 'multivariant', value: 'attributes', repeats: true },
    attributes: {
      ...STREAM,
      'FRAME-RATE': float,
      AUDIO: quoted,
      SUBTITLES: quoted,
      'CLOSED-CAPTIONS': { type: 'quoted-or-none' },
    },
  },
  'EXT-X-I-FRAME-STREAM-INF': {
    ...{ place: 'multivariant', value: 'attributes', repeats: true },
    attributes: { ...STREAM, URI: needed },
  },
  'EXT-X-SESSION-DATA': {
    ...{ place: 'multivariant', value: 'attributes', repeats: true },
    attributes: { 'DATA-ID': needed, VALUE: quoted, URI: quoted, FORMAT: { type: 'enum' }, LANGUAGE: quoted },
  },
  'EXT-X-SESSION-KEY': { place: 'multivariant', value: 'attributes', attributes: KEY, repeats: true },
  'EXT-X-CONTENT-STEERING': {
    ...{ place: 'multivariant', value: 'attributes' },
    attributes: { 'SERVER-URI': needed, 'PATHWAY-ID': quoted },
  },
};

/** Least EXT-X-VERSION for a tag with these attributes, next to these other tags (draft section 8). */
export function versionOf(
  name: string,
  attributes: ReadonlyMap<string, string>,
  value: string,
  iFrames: boolean,
): number {
  switch (name) {
    case 'EXT-X-KEY':
      return attributes.has('KEYFORMAT') || attributes.has('KEYFORMATVERSIONS') ? 5 : attributes.has('IV') ? 2 : 1;
    case 'EXTINF':
      return /^\d+\./.test(value) ? 3 : 1;
    case 'EXT-X-BYTERANGE':
    case 'EXT-X-I-FRAMES-ONLY':
      return 4;
    case 'EXT-X-MAP':
      return iFrames ? 5 : 6;
    case 'EXT-X-MEDIA':
      return attributes.get('INSTREAM-ID')?.startsWith('SERVICE') ? 7 : 1;
    case 'EXT-X-DEFINE':
      return attributes.has('QUERYPARAM') ? 11 : 8;
    case 'EXT-X-SKIP':
      return attributes.has('RECENTLY-REMOVED-DATERANGES') ? 10 : 9;
    case 'EXT-X-STREAM-INF':
      return [...attributes.keys()].some((key) => key.startsWith('REQ-')) ? 12 : 1;
    default:
      return 1;
  }
}
