/**
 * One clip as one file: a JSON head, then all packets one after the other. Reading it is one read and no copy.
 *
 *   8 bytes  `LMCLIP1\n`
 *   4 bytes  length of the head, big-endian
 *   head     {video: [layer][copy][frame] → ±size (negative: not a key frame), audio: [packet] → size}
 *   packets
 */
import { z } from 'zod';
import type { EncodedClip } from './makeClip.ts';

const MAGIC = Buffer.from('LMCLIP1\n');
const Head = z.object({
  video: z.array(z.array(z.array(z.int()))).min(1),
  audio: z.array(z.int().min(1)).min(1),
});

export function packClip(clip: EncodedClip): Buffer {
  const head = {
    video: clip.video.map((copies) => copies.map((frames) => frames.map((f) => (f.key ? 1 : -1) * f.data.length))),
    audio: clip.audio.map((packet) => packet.length),
  };
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([MAGIC, length, text, ...clip.video.flat(2).map((f) => f.data), ...clip.audio]);
}

/** Throws when the file is not a whole clip. */
export function unpackClip(file: Buffer): EncodedClip {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('not a clip file');
  const start = MAGIC.length + 4;
  const headLength = file.readUInt32BE(MAGIC.length);
  const head = Head.parse(JSON.parse(file.subarray(start, start + headLength).toString()));
  let offset = start + headLength;
  const take = (size: number): Buffer => {
    const data = file.subarray(offset, offset + size);
    offset += size;
    if (data.length !== size) throw new Error('the clip file is cut off');
    return data;
  };
  return {
    video: head.video.map((copies) =>
      copies.map((sizes) => sizes.map((size) => ({ data: take(Math.abs(size)), key: size > 0 }))),
    ),
    audio: head.audio.map(take),
  };
}
