/**
 * RTP payload format for VP9 (RFC 9628), flexible and non-flexible mode, with spatial layers: the frames of all layers of
 * one picture come out together, as a superframe where they are more than one (VP9 bitstream specification, annex B). A picture ends
 * with the marker, which mediasoup sets anew where it drops the layers above.
 */
import { PictureCounter, type PictureCounters } from './PictureCounter.ts';
import type { CodecFrame, FrameStart, VideoCodec } from './VideoCodec.ts';

interface Descriptor extends PictureCounters {
  /** Octets of the descriptor. */
  length: number;
  /** P: predicted from another picture. */
  predicted: boolean;
  /** B and E: first and last packet of a layer's frame. */
  begins: boolean;
  ends: boolean;
  spatial: number;
  /** D: predicted from the layer below. */
  onLowerLayer: boolean;
  hasLayers: boolean;
  /** Flexible mode: how many pictures back each reference is; null in non-flexible mode. */
  references: number[] | null;
}

/** References of one picture in flexible mode (section 4.2). */
const MAX_REFERENCES = 3;
/** P_DIFF has 7 bits: further back nothing is referred to. */
const REMEMBERED_PICTURES = 128;
/** A superframe's index counts its frames in 3 bits. */
const MAX_FRAMES = 8;

/** The payload descriptor (section 4.2); null where it is broken or nothing comes behind it. */
function descriptorOf(payload: Buffer): Descriptor | null {
  let at = 0;
  const next = (): number => payload[at++] ?? 0;
  const first = next();
  const flexible = (first & 0x10) !== 0;
  const found: Descriptor = {
    ...{ length: 0, id: null, tl0: null, temporal: 0, spatial: 0, onLowerLayer: false },
    predicted: (first & 0x40) !== 0,
    begins: (first & 0x08) !== 0,
    ends: (first & 0x04) !== 0,
    hasLayers: (first & 0x20) !== 0,
    references: flexible ? [] : null,
  };
  if (first & 0x80) {
    const high = next();
    found.id = high & 0x80 ? { value: ((high & 0x7f) << 8) | next(), bits: 15 } : { value: high, bits: 7 };
  }
  if (found.hasLayers) {
    const layer = next();
    found.temporal = layer >> 5;
    found.spatial = (layer >> 1) & 7;
    found.onLowerLayer = (layer & 1) !== 0;
    if (!flexible) found.tl0 = next();
  }
  if (found.references && found.predicted) {
    for (let more = true; more; ) {
      const reference = next();
      found.references.push(reference >> 1);
      more = (reference & 1) !== 0;
      if (more && found.references.length === MAX_REFERENCES) return null;
    }
  }
  if (first & 0x02) at = afterScalabilityStructure(payload, at);
  found.length = at;
  return at < payload.length ? found : null;
}

/** Where the scalability structure ends (section 4.2.1); beyond the payload where it is cut off. */
function afterScalabilityStructure(payload: Buffer, start: number): number {
  let at = start;
  const first = payload[at++] ?? 0;
  if (first & 0x10) at += 4 * ((first >> 5) + 1);
  if (!(first & 0x08)) return at;
  const pictures = payload[at++] ?? 0;
  for (let i = 0; i < pictures && at < payload.length; i++) at += 1 + (((payload[at] ?? 0) >> 2) & 3);
  return at;
}

/** True where the frame's uncompressed header says key frame (VP9 bitstream specification, section 6.2). */
function isKeyHeader(first: number): boolean {
  if (first >> 6 !== 2) return false;
  const profile3 = (first & 0x30) === 0x30;
  const showsExisting = first & (profile3 ? 0x04 : 0x08);
  return showsExisting === 0 && (first & (profile3 ? 0x02 : 0x04)) === 0;
}

/** Frames of layers, one after the other, with the index that tells a decoder where each begins. */
function superframe(frames: readonly Buffer[]): Buffer {
  const [only] = frames;
  if (only && frames.length === 1) return only;
  const largest = Math.max(...frames.map((frame) => frame.length));
  const width = Math.max(1, Math.ceil((32 - Math.clz32(largest)) / 8));
  const index = Buffer.alloc(2 + width * frames.length);
  const marker = 0xc0 | ((width - 1) << 3) | (frames.length - 1);
  index[0] = marker;
  for (const [i, frame] of frames.entries()) index.writeUIntLE(frame.length, 1 + i * width, width);
  index[index.length - 1] = marker;
  return Buffer.concat([...frames, index]);
}

/** Holds the counters of one stream. */
export class Vp9Codec implements VideoCodec {
  readonly exactStart = false;
  readonly #counter = new PictureCounter();
  /** Ids of the pictures that were given out since the last key frame, newest last. */
  #known: number[] = [];

  startOf(payload: Buffer): FrameStart {
    const descriptor = descriptorOf(payload);
    if (!descriptor?.begins) return 'no';
    return descriptor.onLowerLayer && descriptor.spatial > 0 ? 'no' : 'yes';
  }

  startsKeyFrame(payload: Buffer): boolean {
    const descriptor = descriptorOf(payload);
    if (!descriptor?.begins || descriptor.predicted || descriptor.spatial > 0) return false;
    return isKeyHeader(payload[descriptor.length] ?? 0);
  }

  assemble(payloads: readonly Buffer[]): CodecFrame | null {
    const frames: Buffer[] = [];
    let first: Descriptor | null = null;
    let parts: Buffer[] = [];
    let spatial = -1;
    for (const payload of payloads) {
      const descriptor = descriptorOf(payload);
      if (!descriptor) return null;
      first ??= descriptor;
      if (descriptor.begins !== (parts.length === 0)) return null;
      if (descriptor.begins ? descriptor.spatial <= spatial : descriptor.spatial !== spatial) return null;
      spatial = descriptor.spatial;
      parts.push(payload.subarray(descriptor.length));
      if (!descriptor.ends) continue;
      frames.push(Buffer.concat(parts));
      parts = [];
    }
    if (!first || parts.length > 0 || frames.length > MAX_FRAMES) return null;
    const keyFrame = !first.predicted && first.spatial === 0 && isKeyHeader(frames[0]?.[0] ?? 0);
    return { data: superframe(frames), keyFrame, continuous: this.#continuous(first, keyFrame) };
  }

  #continuous(picture: Descriptor, keyFrame: boolean): boolean {
    const { id, references } = picture;
    if (keyFrame) {
      this.#known = id ? [id.value] : [];
      this.#counter.restart(picture);
      return true;
    }
    if (references && id) {
      const mask = 2 ** id.bits - 1;
      const known = references.every((back) => this.#known.includes((id.value - back) & mask));
      if (known) this.#known.push(id.value);
      if (this.#known.length > REMEMBERED_PICTURES) this.#known.shift();
      return known;
    }
    // With layers mediasoup drops pictures and leaves the ids as they are; without, nobody does.
    return this.#counter.follows(picture, !picture.hasLayers);
  }
}
