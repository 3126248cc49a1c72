/** Init segments (ftyp, moov): what the playlists and the fragment reader need of one, and two merged into one of two tracks. */
import { AppError } from '../../contracts/errors.ts';
import { type Box, findBox, guardMedia, makeBox, needBox, readBoxes } from './boxes.ts';

/** Defaults of a track's samples (`trex`, ISO/IEC 14496-12 section 8.8.3). */
export interface SampleDefaults {
  duration: number;
  size: number;
  flags: number;
}

export interface InitSegment {
  kind: 'video' | 'audio';
  trackId: number;
  /** Ticks a second. */
  timescale: number;
  /** RFC 6381, e.g. `avc1.4d401f`, `mp4a.40.2`. */
  codec: string;
  /** 0 for audio. */
  width: number;
  height: number;
  /** 0 for video. */
  channels: number;
  defaults: SampleDefaults;
}

const whole = (buffer: Buffer): { body: number; end: number } => ({ body: 0, end: buffer.length });
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

/** Throws AppError `bad-media` unless it is an init segment of exactly one AVC or AAC track. */
export function parseInit(buffer: Buffer): InitSegment {
  return guardMedia(() => {
    const moov = needBox(buffer, whole(buffer), 'moov');
    const traks = readBoxes(buffer, moov.body, moov.end).filter((b) => b.type === 'trak');
    const trak = traks[0];
    if (!trak || traks.length !== 1) throw new AppError('bad-media', 'an init segment has exactly one track');
    const handler = needBox(buffer, trak, 'mdia', 'hdlr');
    const handlerType = buffer.toString('latin1', handler.body + 8, handler.body + 12);
    const mdhd = needBox(buffer, trak, 'mdia', 'mdhd');
    const timescale = buffer.readUInt32BE(mdhd.body + (buffer[mdhd.body] === 1 ? 20 : 12));
    const stsd = needBox(buffer, trak, 'mdia', 'minf', 'stbl', 'stsd');
    const entry = readBoxes(buffer, stsd.body + 8, stsd.end)[0];
    if (!entry) throw new AppError('bad-media', 'the track has no sample description');
    const common = { trackId: trackIdOf(buffer, trak), timescale, defaults: sampleDefaults(buffer, moov) };
    if (handlerType === 'vide') return { kind: 'video', ...common, ...videoEntry(buffer, entry), channels: 0 };
    if (handlerType === 'soun') return { kind: 'audio', ...common, ...audioEntry(buffer, entry), width: 0, height: 0 };
    throw new AppError('bad-media', 'the track is neither video nor audio');
  });
}

function videoEntry(buffer: Buffer, entry: Box): { codec: string; width: number; height: number } {
  if (entry.type !== 'avc1' && entry.type !== 'avc3') throw new AppError('bad-media', 'the video is not AVC');
  // VisualSampleEntry: 78 bytes of fields before the boxes (ISO/IEC 14496-12 section 12.1.3).
  const avcC = needBox(buffer, { body: entry.body + 78, end: entry.end }, 'avcC');
  const [profile, compatibility, level] = [1, 2, 3].map((i) => buffer.readUInt8(avcC.body + i));
  return {
    codec: `${entry.type}.${hex(profile ?? 0)}${hex(compatibility ?? 0)}${hex(level ?? 0)}`,
    width: buffer.readUInt16BE(entry.body + 24),
    height: buffer.readUInt16BE(entry.body + 26),
  };
}

function audioEntry(buffer: Buffer, entry: Box): { codec: string; channels: number } {
  if (entry.type !== 'mp4a') throw new AppError('bad-media', 'the audio is not AAC');
  // AudioSampleEntry: 28 bytes of fields before the boxes (ISO/IEC 14496-12 section 12.2.3).
  const esds = needBox(buffer, { body: entry.body + 28, end: entry.end }, 'esds');
  return { codec: audioCodec(buffer, esds), channels: buffer.readUInt16BE(entry.body + 16) };
}

/** Object type indication and audio object type of an `esds` (ISO/IEC 14496-1 section 7.2.6, 14496-3 section 1.6.2.1). */
function audioCodec(buffer: Buffer, esds: Box): string {
  let at = esds.body + 4;
  const descriptor = (): number => {
    const tag = buffer.readUInt8(at++);
    while (buffer.readUInt8(at++) & 0x80);
    return tag;
  };
  if (descriptor() !== 3) throw new AppError('bad-media', 'the esds box has no ES descriptor');
  const flags = buffer.readUInt8(at + 2);
  at += 3;
  if (flags & 0x80) at += 2;
  if (flags & 0x40) at += 1 + buffer.readUInt8(at);
  if (flags & 0x20) at += 2;
  if (descriptor() !== 4) throw new AppError('bad-media', 'the esds box has no decoder configuration');
  const objectType = buffer.readUInt8(at);
  at += 13;
  if (objectType !== 0x40 || descriptor() !== 5) throw new AppError('bad-media', 'the audio is not MPEG-4 audio');
  const first = buffer.readUInt16BE(at);
  const audioObjectType = first >> 11 === 31 ? 32 + ((first >> 5) & 63) : first >> 11;
  return `mp4a.40.${audioObjectType}`;
}

function trackIdOf(buffer: Buffer, trak: Box): number {
  return buffer.readUInt32BE(trackIdOffset(buffer, trak));
}

function trackIdOffset(buffer: Buffer, trak: Box): number {
  const tkhd = needBox(buffer, trak, 'tkhd');
  return tkhd.body + (buffer[tkhd.body] === 1 ? 20 : 12);
}

function sampleDefaults(buffer: Buffer, moov: Box): SampleDefaults {
  const trex = findBox(buffer, moov, 'mvex', 'trex');
  if (!trex) throw new AppError('bad-media', 'an init segment has a trex box');
  return {
    duration: buffer.readUInt32BE(trex.body + 12),
    size: buffer.readUInt32BE(trex.body + 16),
    flags: buffer.readUInt32BE(trex.body + 20),
  };
}

/** One init segment with the tracks of both: the first as track 1, the second as track 2. */
export function mergeInits(video: Buffer, audio: Buffer): Buffer {
  return guardMedia(() => {
    const ftyp = needBox(video, whole(video), 'ftyp');
    const moov = needBox(video, whole(video), 'moov');
    const mvhd = Buffer.from(cut(video, needBox(video, moov, 'mvhd')));
    mvhd.writeUInt32BE(3, mvhd.length - 4); // next_track_ID
    const tracks = [video, audio].map((buffer, i) => trackAs(buffer, i + 1));
    return Buffer.concat([
      cut(video, ftyp),
      makeBox('moov', mvhd, ...tracks.map((t) => t.trak), makeBox('mvex', ...tracks.map((t) => t.trex))),
    ]);
  });
}

function trackAs(buffer: Buffer, id: number): { trak: Buffer; trex: Buffer } {
  const moov = needBox(buffer, whole(buffer), 'moov');
  const trakBox = needBox(buffer, moov, 'trak');
  const trak = Buffer.from(cut(buffer, trakBox));
  trak.writeUInt32BE(id, trackIdOffset(buffer, trakBox) - trakBox.start);
  const trex = Buffer.from(cut(buffer, needBox(buffer, moov, 'mvex', 'trex')));
  trex.writeUInt32BE(id, 12);
  return { trak, trex };
}

const cut = (buffer: Buffer, box: Box): Buffer => buffer.subarray(box.start, box.end);
