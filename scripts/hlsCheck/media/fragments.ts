/** What the checks ask of a CMAF track and its fragments. The boxes are read by delivery's own reader, which its tests hold. */
import { type FragmentSummary, readSamples, summarise } from '../../../src/delivery/mp4/fragment.ts';
import { type InitSegment, parseInit } from '../../../src/delivery/mp4/initSegment.ts';

export interface Track {
  uri: string;
  bytes: Buffer;
  info: InitSegment;
}

export interface Fragment extends FragmentSummary {
  /** The first sample is a sync sample, and for video an IDR picture. */
  independent: boolean;
  /** Of the samples, ticks. */
  sampleDurations: number[];
}

/** IDR slice (ISO/IEC 14496-10 table 7-1). */
const NAL_IDR = 5;
/** AUD, SEI, SPS, PPS and what else stands before a picture's first slice. */
const LAST_SLICE_TYPE = 5;

/** Throws AppError `bad-media`. */
export function readTrack(uri: string, bytes: Buffer): Track {
  return { uri, bytes, info: parseInit(bytes) };
}

/** Throws AppError `bad-media` or `off-grid`. */
export function readFragment(bytes: Buffer, { info }: Track): Fragment {
  const summary = summarise(bytes, info);
  const samples = readSamples(bytes, info);
  const first = samples[0]?.data;
  const idr = info.kind === 'audio' || (first !== undefined && firstSliceType(first) === NAL_IDR);
  return {
    ...summary,
    independent: summary.startsWithSync && idr,
    sampleDurations: samples.map(({ duration }) => duration),
  };
}

/** NAL unit type of the first slice of a sample with 4-byte lengths; null: none. */
function firstSliceType(sample: Buffer): number | null {
  for (let at = 0; at + 5 <= sample.length; ) {
    const length = sample.readUInt32BE(at);
    const type = (sample[at + 4] ?? 0) & 31;
    if (type >= 1 && type <= LAST_SLICE_TYPE) return type;
    at += 4 + length;
  }
  return null;
}
