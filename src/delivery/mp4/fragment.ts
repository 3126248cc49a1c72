/**
 * Movie fragments (moof, mdat): where one lies on the grid, its samples, and new ones made of them.
 *
 * Timestamps. `tfdt` is the decode time of the first sample in ticks of the track, 64 bits, never wraps. There are no B-frames,
 * so decode time is presentation time; composition offsets are carried along where they exist.
 */
import { AppError } from '../../contracts/errors.ts';
import { type Box, findBox, guardMedia, makeBox, needBox, readBoxes } from './boxes.ts';
import type { InitSegment, SampleDefaults } from './initSegment.ts';

/** `sample_is_non_sync_sample` (ISO/IEC 14496-12 section 8.8.3.1). */
const NON_SYNC = 0x0001_0000;

export interface Sample {
  data: Buffer;
  /** Ticks. */
  duration: number;
  flags: number;
  /** Presentation minus decode time, ticks. */
  compositionOffset: number;
}

export interface FragmentSummary {
  /** Decode time of the first sample, ticks. */
  decodeTime: number;
  samples: number;
  /** Of all samples, ticks. */
  duration: number;
  /** The first sample is a sync sample (IDR). */
  startsWithSync: boolean;
}

interface Run {
  decodeTime: number;
  samples: Sample[];
}

/** What lies in the fragments of one part; they follow each other without a hole. Throws AppError `bad-media`. */
export function summarise(buffer: Buffer, init: InitSegment): FragmentSummary {
  const runs = readRuns(buffer, init);
  const [first] = runs;
  if (!first || first.samples.length === 0) throw new AppError('bad-media', 'there is no sample in it');
  let end = first.decodeTime;
  for (const run of runs) {
    if (run.decodeTime !== end) throw new AppError('off-grid', 'there is a hole within the part');
    end += run.samples.reduce((sum, s) => sum + s.duration, 0);
  }
  return {
    decodeTime: first.decodeTime,
    samples: runs.reduce((sum, run) => sum + run.samples.length, 0),
    duration: end - first.decodeTime,
    startsWithSync: ((first.samples[0]?.flags ?? NON_SYNC) & NON_SYNC) === 0,
  };
}

/** The samples of all fragments in the buffer. The data are views on it. Throws AppError `bad-media`. */
export function readSamples(buffer: Buffer, init: InitSegment): Sample[] {
  return readRuns(buffer, init).flatMap((run) => run.samples);
}

function readRuns(buffer: Buffer, init: InitSegment): Run[] {
  return guardMedia(() => {
    const runs: Run[] = [];
    for (const moof of readBoxes(buffer).filter((b) => b.type === 'moof')) {
      for (const traf of readBoxes(buffer, moof.body, moof.end).filter((b) => b.type === 'traf'))
        runs.push(readTraf(buffer, moof, traf, init));
    }
    return runs;
  });
}

function readTraf(buffer: Buffer, moof: Box, traf: Box, init: InitSegment): Run {
  const { base, defaults } = readTfhd(buffer, moof, needBox(buffer, traf, 'tfhd'), init);
  const tfdt = findBox(buffer, traf, 'tfdt');
  if (!tfdt) throw new AppError('bad-media', 'a fragment has a tfdt box');
  const decodeTime =
    buffer[tfdt.body] === 1 ? Number(buffer.readBigUInt64BE(tfdt.body + 4)) : buffer.readUInt32BE(tfdt.body + 4);
  const samples: Sample[] = [];
  for (const trun of readBoxes(buffer, traf.body, traf.end).filter((b) => b.type === 'trun'))
    readTrun(buffer, trun, base, defaults, samples);
  return { decodeTime, samples };
}

function readTfhd(buffer: Buffer, moof: Box, tfhd: Box, init: InitSegment): { base: number; defaults: SampleDefaults } {
  const flags = buffer.readUInt32BE(tfhd.body) & 0xff_ffff;
  if (buffer.readUInt32BE(tfhd.body + 4) !== init.trackId)
    throw new AppError('bad-media', 'a fragment of another track');
  let at = tfhd.body + 8;
  const next = (): number => {
    at += 4;
    return buffer.readUInt32BE(at - 4);
  };
  if (flags & 0x01) throw new AppError('bad-media', 'data offsets must be relative to the moof box');
  if (flags & 0x02) next();
  const duration = flags & 0x08 ? next() : init.defaults.duration;
  const size = flags & 0x10 ? next() : init.defaults.size;
  const sampleFlags = flags & 0x20 ? next() : init.defaults.flags;
  return { base: moof.start, defaults: { duration, size, flags: sampleFlags } };
}

function readTrun(buffer: Buffer, trun: Box, base: number, defaults: SampleDefaults, samples: Sample[]): void {
  const flags = buffer.readUInt32BE(trun.body) & 0xff_ffff;
  const count = buffer.readUInt32BE(trun.body + 4);
  let at = trun.body + 8;
  const next = (): number => {
    at += 4;
    if (at > trun.end) throw new AppError('bad-media', 'a trun box is cut off');
    return buffer.readUInt32BE(at - 4);
  };
  if ((flags & 0x01) === 0) throw new AppError('bad-media', 'a trun box has no data offset');
  let position = base + (next() | 0);
  const firstFlags = flags & 0x04 ? next() : undefined;
  // A count that the box cannot hold would make us build samples for ever.
  const perSample = [0x100, 0x200, 0x400, 0x800].filter((f) => flags & f).length * 4;
  if (count > 100_000 || at + count * perSample > trun.end) throw new AppError('bad-media', 'a trun box is cut off');
  for (let i = 0; i < count; i++) {
    const duration = flags & 0x100 ? next() : defaults.duration;
    const size = flags & 0x200 ? next() : defaults.size;
    const own = flags & 0x400 ? next() : defaults.flags;
    const compositionOffset = flags & 0x800 ? next() | 0 : 0;
    if (position < 0 || position + size > buffer.length)
      throw new AppError('bad-media', 'a sample lies outside the data');
    const data = buffer.subarray(position, position + size);
    samples.push({ data, duration, flags: i === 0 ? (firstFlags ?? own) : own, compositionOffset });
    position += size;
  }
}

/** The moof and mdat boxes of a part as track `trackId`; the bytes given are left as they are. */
export function asTrack(buffer: Buffer, trackId: number, sequence: number): Buffer {
  const kept = readBoxes(buffer).filter((b) => b.type === 'moof' || b.type === 'mdat');
  const copy = Buffer.concat(kept.map((b) => buffer.subarray(b.start, b.end)));
  for (const moof of readBoxes(copy).filter((b) => b.type === 'moof')) {
    copy.writeUInt32BE(sequence, needBox(copy, moof, 'mfhd').body + 4);
    for (const traf of readBoxes(copy, moof.body, moof.end).filter((b) => b.type === 'traf'))
      copy.writeUInt32BE(trackId, needBox(copy, traf, 'tfhd').body + 4);
  }
  return copy;
}

/** A fragment of the samples given, at `decodeTime`. */
export function makeFragment(
  trackId: number,
  sequence: number,
  decodeTime: number,
  samples: readonly Sample[],
): Buffer {
  const words = (...values: number[]): Buffer => {
    const out = Buffer.alloc(values.length * 4);
    for (const [i, value] of values.entries()) out.writeUInt32BE(value >>> 0, i * 4);
    return out;
  };
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(decodeTime));
  const rows = samples.flatMap((s) => [s.duration, s.data.length, s.flags, s.compositionOffset]);
  const build = (dataOffset: number): Buffer =>
    makeBox(
      'moof',
      makeBox('mfhd', words(0, sequence)),
      makeBox(
        'traf',
        makeBox('tfhd', words(0x02_0000, trackId)), // default-base-is-moof
        makeBox('tfdt', words(0x0100_0000), time),
        // Version 1 (signed offsets); data offset, then duration, size, flags and composition offset of each sample.
        makeBox('trun', words(0x0100_0f01, samples.length, dataOffset, ...rows)),
      ),
    );
  const moof = build(build(0).length + 8);
  return Buffer.concat([moof, makeBox('mdat', ...samples.map((s) => s.data))]);
}

/** Puts a fragment of one track at `decodeTime`, in place; its `tfdt` must be of version 1, as FFmpeg writes it. */
export function retime(buffer: Buffer, decodeTime: number): void {
  const moof = readBoxes(buffer).find((b) => b.type === 'moof');
  const tfdt = moof && findBox(buffer, moof, 'traf', 'tfdt');
  if (!tfdt || buffer[tfdt.body] !== 1) throw new AppError('bad-media', 'there is no 64-bit tfdt box');
  buffer.writeBigUInt64BE(BigInt(decodeTime), tfdt.body + 4);
}
