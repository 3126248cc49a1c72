import { describe, expect, test } from 'vitest';
import { Vp9RtpPayload } from 'werift-rtp';
import { Vp9Codec } from '../../../../compositor/ingest/depacketize/Vp9Codec.ts';
import { packetizeVp9, setVp9PictureId } from '../../../../scripts/simulator/packetizeVp9.ts';

/** Frame marker, profile 0, shown: key frame and inter frame (VP9 bitstream specification, section 6.2). */
const KEY = 0x82;
const INTER = 0x86;
const frame = (first: number, length: number): Buffer => Buffer.concat([Buffer.from([first]), Buffer.alloc(length, 7)]);

interface Fields {
  id?: number;
  predicted?: boolean;
  begins?: boolean;
  ends?: boolean;
  temporal?: number;
  spatial?: number;
  onLower?: boolean;
  /** Non-flexible mode. */
  tl0?: number;
  /** Flexible mode. */
  references?: number[];
  structure?: number[];
}

/** A packet with layer indices. */
function packet(f: Fields, payload: Buffer): Buffer {
  const flexible = f.tl0 === undefined;
  const { predicted = true, begins = true, ends = true, temporal = 0, spatial = 0 } = f;
  const first =
    0xa0 | (predicted ? 0x40 : 0) | (flexible ? 0x10 : 0) | (begins ? 8 : 0) | (ends ? 4 : 0) | (f.structure ? 2 : 0);
  const id = f.id ?? 0;
  const octets = [first, 0x80 | ((id >> 8) & 0x7f), id & 0xff, (temporal << 5) | (spatial << 1) | (f.onLower ? 1 : 0)];
  if (f.tl0 !== undefined) octets.push(f.tl0 & 0xff);
  const references = f.references ?? [1];
  if (flexible && predicted) {
    references.forEach((back, i) => {
      octets.push((back << 1) | (i < references.length - 1 ? 1 : 0));
    });
  }
  return Buffer.concat([Buffer.from([...octets, ...(f.structure ?? [])]), payload]);
}

/** Three layers with sizes, and a group of two pictures of which the second has two references. */
const STRUCTURE = [
  0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x05, 0x00, 0x02, 0xd0, 0x02, 0x04, 0x01, 0x28, 0x01, 0x02,
];

describe('Vp9Codec', () => {
  test('puts a frame of many packets together, as werift reads it', () => {
    const codec = new Vp9Codec();
    const key = frame(KEY, 3_000);
    const payloads = packetizeVp9(key, true, 1_000);
    for (const payload of payloads) setVp9PictureId(payload, 0x1234);
    const parsed = payloads.map((payload) => Vp9RtpPayload.deSerialize(payload));
    expect(parsed.map((p) => [p.bBit, p.eBit, p.pictureId])).toEqual([
      [1, 0, 0x1234],
      [0, 0, 0x1234],
      [0, 0, 0x1234],
      [0, 1, 0x1234],
    ]);
    expect(payloads.map((payload) => codec.startOf(payload))).toEqual(['yes', 'no', 'no', 'no']);
    expect(payloads.map((payload) => codec.startsKeyFrame(payload))).toEqual([true, false, false, false]);
    expect(codec.assemble(payloads)).toEqual({ data: key, keyFrame: true, continuous: true });
    const inter = packetizeVp9(frame(INTER, 10), false, 1_000);
    expect(codec.startsKeyFrame(inter[0]!)).toBe(false);
    expect(codec.assemble(inter)!.keyFrame).toBe(false);
  });

  test.each([
    ['flexible mode', packet({ references: [1, 2, 3] }, frame(INTER, 9))],
    ['non-flexible mode', packet({ tl0: 3, temporal: 1 }, frame(INTER, 9))],
    ['a scalability structure', packet({ tl0: 3, predicted: false, structure: STRUCTURE }, frame(KEY, 9))],
    ['flexible mode and a structure', packet({ predicted: false, structure: STRUCTURE }, frame(KEY, 9))],
    ['a short PictureID', Buffer.concat([Buffer.from([0x8c, 0x11]), frame(KEY, 9)])],
    ['no PictureID', Buffer.concat([Buffer.from([0x0c]), frame(KEY, 9)])],
  ])('reads %s as werift does', (_, payload) => {
    expect(new Vp9Codec().assemble([payload])!.data).toEqual(Vp9RtpPayload.deSerialize(payload).payload);
  });

  test('joins the layers of one picture to a superframe', () => {
    const codec = new Vp9Codec();
    const layers = [frame(KEY, 100), frame(INTER, 300), frame(INTER, 70_000)];
    const payloads = layers.flatMap((data, spatial) => {
      const fields = { id: 9, predicted: false, spatial, onLower: spatial > 0 };
      const half = data.length >> 1;
      return [
        packet({ ...fields, ends: false }, data.subarray(0, half)),
        packet({ ...fields, begins: false }, data.subarray(half)),
      ];
    });
    expect(payloads.map((payload) => codec.startOf(payload))).toEqual(['yes', 'no', 'no', 'no', 'no', 'no']);
    expect(payloads.map((payload) => codec.startsKeyFrame(payload))).toEqual([true, ...Array(5).fill(false)]);
    const picture = codec.assemble(payloads)!;
    expect(picture).toMatchObject({ keyFrame: true, continuous: true });
    const all = Buffer.concat(layers);
    expect(picture.data.subarray(0, all.length).equals(all)).toBe(true);
    // Three frames, their sizes in three octets each (annex B.2).
    const index = [0xd2, 101, 0, 0, 301 & 255, 1, 0, 70_001 & 255, (70_001 >> 8) & 255, 1, 0xd2];
    expect([...picture.data.subarray(all.length)]).toEqual(index);
  });

  test('K-SVC: between key frames the forwarded layer comes alone', () => {
    const codec = new Vp9Codec();
    codec.assemble([packet({ id: 1, predicted: false, spatial: 0 }, frame(KEY, 5))]);
    const alone = packet({ id: 2, spatial: 2, references: [1] }, frame(INTER, 5));
    expect(codec.startOf(alone)).toBe('yes');
    expect(codec.assemble([alone])).toEqual({ data: frame(INTER, 5), keyFrame: false, continuous: true });
  });

  test('flexible mode: what refers to a picture that never came is not decoded', () => {
    const codec = new Vp9Codec();
    const inter = (id: number, ...references: number[]) =>
      codec.assemble([packet({ id: id & 0x7fff, references }, frame(INTER, 5))])!.continuous;
    codec.assemble([packet({ id: 0x7ffe, predicted: false }, frame(KEY, 5))]);
    expect(inter(0x7fff, 1)).toBe(true);
    // Temporal layers were dropped between: nothing refers to them.
    expect(inter(0x8003, 4)).toBe(true);
    expect(inter(0x8004, 1, 6)).toBe(true);
    expect(inter(0x8006, 1)).toBe(false);
    expect(inter(0x8007, 1)).toBe(false);
    expect(codec.assemble([packet({ id: 20, predicted: false }, frame(KEY, 5))])!.continuous).toBe(true);
    // A key frame ends all that was before.
    expect(inter(21, 20)).toBe(false);
  });

  test('non-flexible mode: TL0PICIDX tells a missing picture of layer 0, and dropped layers are none', () => {
    const codec = new Vp9Codec();
    const inter = (tl0: number, temporal: number) =>
      codec.assemble([packet({ id: tl0 * 4, tl0, temporal }, frame(INTER, 5))])!.continuous;
    codec.assemble([packet({ id: 0, predicted: false, tl0: 250 }, frame(KEY, 5))]);
    for (let tl0 = 251; tl0 < 270; tl0++) {
      expect(inter(tl0, 0)).toBe(true);
      if (tl0 % 2) expect(inter(tl0, 2)).toBe(true);
    }
    expect(inter(271, 1)).toBe(false);
  });

  test('refuses what is cut off or does not fit together', () => {
    const codec = new Vp9Codec();
    const [first, middle, last] = packetizeVp9(frame(KEY, 25), true, 10);
    expect(codec.assemble([first!, middle!])).toBeNull();
    expect(codec.assemble([middle!, last!])).toBeNull();
    expect(codec.assemble([first!, last!, last!])).toBeNull();
    expect(codec.assemble([Buffer.from([0x8c, 0x81])])).toBeNull();
    // More references than there may be, and a structure that goes beyond the payload.
    expect(codec.assemble([Buffer.from([0xdc, 0x01, 3, 5, 7, 9, INTER])])).toBeNull();
    expect(codec.assemble([packet({ tl0: 1, structure: STRUCTURE.slice(0, 9) }, Buffer.alloc(0))])).toBeNull();
    const upside = [packet({ spatial: 1 }, frame(INTER, 3)), packet({ spatial: 0 }, frame(KEY, 3))];
    expect(codec.assemble(upside)).toBeNull();
  });

  test('a header that says inter makes no key frame, whatever the descriptor says', () => {
    const codec = new Vp9Codec();
    const payload = packet({ predicted: false }, frame(INTER, 5));
    expect(codec.startsKeyFrame(payload)).toBe(false);
    expect(codec.assemble([payload])!.keyFrame).toBe(false);
  });
});
