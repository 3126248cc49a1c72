/** An encoded frame → RTP payloads. RtpStream.ts puts the headers on and keeps them for NACKs. */
import type { EncodedFrame, VideoCodec } from './clip/makeClip.ts';
import { packetizeAv1 } from './packetizeAv1.ts';
import { packetizeVp9, setVp9PictureId } from './packetizeVp9.ts';

/** Bytes of payload: with RTP, SRTP, UDP and IP around it below the 1200 to 1280 that every way carries. */
export const MTU = 1150;

const cut = new WeakMap<EncodedFrame, Buffer[]>();

/** The payloads of a frame, cut once for all who play it. */
export function payloadsOf(codec: VideoCodec, frame: EncodedFrame): Buffer[] {
  let payloads = cut.get(frame);
  if (!payloads) {
    payloads = packetize(codec, frame);
    cut.set(frame, payloads);
  }
  return payloads;
}

function packetize(codec: VideoCodec, { data, key }: EncodedFrame): Buffer[] {
  switch (codec) {
    case 'vp8':
      return packetizeVp8(data);
    case 'h264':
      return packetizeH264(data);
    case 'vp9':
      return packetizeVp9(data, key, MTU);
    case 'av1':
      return packetizeAv1(data, key, MTU);
  }
}

/** Writes the picture's id into a payload, where the format has one. */
export function numberPicture(codec: VideoCodec, payload: Buffer, pictureId: number): void {
  if (codec === 'vp8') setPictureId(payload, pictureId);
  if (codec === 'vp9') setVp9PictureId(payload, pictureId);
}

/**
 * RFC 7741: a descriptor of 4 bytes before each piece: X; S on the first piece; I with a 15-bit PictureID, which
 * `setPictureId` writes when the packet is sent.
 */
export function packetizeVp8(frame: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  for (let offset = 0; offset < frame.length; offset += MTU) {
    payloads.push(
      Buffer.concat([Buffer.from([offset === 0 ? 0x90 : 0x80, 0x80, 0x80, 0]), frame.subarray(offset, offset + MTU)]),
    );
  }
  return payloads;
}

export function setPictureId(vp8Payload: Buffer, pictureId: number): void {
  vp8Payload[2] = 0x80 | ((pictureId >> 8) & 0x7f);
  vp8Payload[3] = pictureId & 0xff;
}

/** Start codes of Annex B (ITU-T H.264, B.1), three or four bytes. */
function nalUnits(accessUnit: Buffer): Buffer[] {
  const starts: { at: number; body: number }[] = [];
  for (let i = 0; i + 2 < accessUnit.length; i++) {
    if (accessUnit[i] === 0 && accessUnit[i + 1] === 0 && accessUnit[i + 2] === 1) {
      starts.push({ at: i > 0 && accessUnit[i - 1] === 0 ? i - 1 : i, body: i + 3 });
      i += 2;
    }
  }
  return starts.map((start, i) => accessUnit.subarray(start.body, starts[i + 1]?.at ?? accessUnit.length));
}

const NAL_AUD = 9;
const NAL_FU_A = 28;

/** RFC 6184, packetization-mode 1: single NAL unit packets and FU-A; the access unit delimiter stays out. */
export function packetizeH264(accessUnit: Buffer): Buffer[] {
  const payloads: Buffer[] = [];
  for (const nal of nalUnits(accessUnit)) {
    const header = nal[0] ?? 0;
    const type = header & 0x1f;
    if (type === NAL_AUD || nal.length === 0) continue;
    if (nal.length <= MTU) {
      payloads.push(Buffer.from(nal));
      continue;
    }
    for (let offset = 1; offset < nal.length; offset += MTU) {
      const first = offset === 1 ? 0x80 : 0;
      const last = offset + MTU >= nal.length ? 0x40 : 0;
      const fu = Buffer.from([(header & 0xe0) | NAL_FU_A, first | last | type]);
      payloads.push(Buffer.concat([fu, nal.subarray(offset, offset + MTU)]));
    }
  }
  return payloads;
}
