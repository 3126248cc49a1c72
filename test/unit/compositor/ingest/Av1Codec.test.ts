import { describe, expect, test } from 'vitest';
import { AV1RtpPayload } from 'werift-rtp';
import { av1Layers } from '../../../../compositor/decode/av1Layers.ts';
import { Av1Codec } from '../../../../compositor/ingest/depacketize/Av1Codec.ts';
import { packetizeAv1 } from '../../../../scripts/simulator/packetizeAv1.ts';

const DELIMITER = Buffer.from([0x12, 0x00]);
/** An OBU with its size; `first`: the first octet of its content. */
function obu(type: number, first: number, length: number, extension?: number): Buffer {
  const content = Buffer.alloc(length, 0x33);
  content[0] = first;
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  const header = extension === undefined ? [(type << 3) | 2] : [(type << 3) | 6, extension];
  return Buffer.concat([Buffer.from([...header, ...size]), content]);
}
const SEQUENCE = obu(1, 0x00, 11);
const KEY = obu(6, 0x10, 3_000);
const INTER = obu(6, 0x30, 200);
const unit = (...obus: Buffer[]): Buffer => Buffer.concat([DELIMITER, ...obus]);

describe('Av1Codec', () => {
  test('gives back the temporal units that were cut into packets', () => {
    const codec = new Av1Codec();
    const key = packetizeAv1(unit(SEQUENCE, KEY), true, 1_000);
    expect(key).toHaveLength(4);
    expect(key.map((payload) => codec.startOf(payload))).toEqual(['yes', 'no', 'no', 'no']);
    expect(key.map((payload) => codec.startsKeyFrame(payload))).toEqual([true, false, false, false]);
    expect(codec.assemble(key)).toEqual({ data: unit(SEQUENCE, KEY), keyFrame: true, continuous: true });
    const inter = packetizeAv1(unit(INTER), false, 1_000);
    expect(codec.startOf(inter[0]!)).toBe('maybe');
    expect(codec.startsKeyFrame(inter[0]!)).toBe(false);
    expect(codec.assemble(inter)).toEqual({ data: unit(INTER), keyFrame: false, continuous: true });
  });

  test('reads elements as werift does', () => {
    const payloads = packetizeAv1(unit(SEQUENCE, KEY), true, 1_000);
    const theirs = AV1RtpPayload.getFrame(payloads.map((payload) => AV1RtpPayload.deSerialize(payload)));
    const ours = new Av1Codec().assemble(payloads)!.data;
    // werift writes no size into the last OBU.
    const sequence = Buffer.concat([DELIMITER, SEQUENCE]);
    expect(ours.subarray(0, sequence.length).equals(sequence)).toBe(true);
    const content = KEY.subarray(3);
    expect(ours.subarray(-content.length).equals(content)).toBe(true);
    expect(theirs.subarray(-content.length).equals(content)).toBe(true);
  });

  test.each([
    ['a size before each (W = 0)', [0x08, 3, 0x08, 0, 1, 4, 0x30, 0x10, 5, 6]],
    ['a count (W = 2)', [0x28, 3, 0x08, 0, 1, 0x30, 0x10, 5, 6]],
    ['sizes inside as well', [0x28, 4, 0x0a, 2, 0, 1, 0x32, 3, 0x10, 5, 6]],
    [
      'a delimiter, padding and a tile list among them',
      [0x08, 1, 0x10, 3, 0x08, 0, 1, 2, 0x78, 9, 2, 0x40, 9, 4, 0x30, 0x10, 5, 6],
    ],
  ])('takes elements with %s', (_, octets) => {
    const wanted = Buffer.concat([DELIMITER, Buffer.from([0x0a, 2, 0, 1, 0x32, 3, 0x10, 5, 6])]);
    const payload = Buffer.from(octets);
    expect(new Av1Codec().startsKeyFrame(payload)).toBe(true);
    expect(new Av1Codec().assemble([payload])).toEqual({ data: wanted, keyFrame: true, continuous: true });
  });

  test('keeps the layers of one instant together', () => {
    const [low, high] = [obu(6, 0x10, 20, 0x00), obu(6, 0x30, 40, 0x08)];
    const payloads = packetizeAv1(unit(SEQUENCE, low, high), true, 1_000);
    expect(new Av1Codec().assemble(payloads)).toEqual({
      ...{ data: unit(SEQUENCE, low, high), keyFrame: true, continuous: true },
    });
  });

  test('the layers of one instant can be cut apart for the decoder', () => {
    const [low, high] = [obu(6, 0x10, 200, 0x00), obu(6, 0x30, 400, 0x08)];
    expect(av1Layers(unit(SEQUENCE, low, high))).toEqual([unit(SEQUENCE, low), high]);
    expect(av1Layers(unit(SEQUENCE, KEY))).toEqual([unit(SEQUENCE, KEY)]);
    const broken = unit(low, high).subarray(0, -1);
    expect(av1Layers(broken)).toEqual([broken]);
  });

  test('puts the sequence header before a key frame that has none', () => {
    const codec = new Av1Codec();
    const bare = packetizeAv1(unit(KEY), false, 5_000);
    expect(codec.assemble(bare)).toBeNull();
    codec.assemble(packetizeAv1(unit(SEQUENCE, KEY), true, 5_000));
    expect(codec.assemble(bare)!.data).toEqual(unit(SEQUENCE, KEY));
  });

  test('a frame header apart from its tiles; a picture that is only shown again is no key frame', () => {
    const codec = new Av1Codec();
    const [header, tiles] = [obu(3, 0x10, 5), obu(4, 0x00, 50)];
    expect(codec.assemble(packetizeAv1(unit(SEQUENCE, header, tiles), true, 1_000))!.keyFrame).toBe(true);
    expect(codec.assemble(packetizeAv1(unit(obu(3, 0x80, 2)), false, 1_000))!.keyFrame).toBe(false);
    expect(codec.assemble(packetizeAv1(unit(obu(5, 1, 9)), false, 1_000))!.data).toHaveLength(0);
  });

  test('refuses fragments that do not fit, sizes beyond the payload, and broken headers', () => {
    const codec = new Av1Codec();
    const [first, middle, , last] = packetizeAv1(unit(SEQUENCE, KEY), true, 1_000);
    expect(codec.assemble([first!, middle!])).toBeNull();
    expect(codec.assemble([middle!, last!])).toBeNull();
    expect(codec.assemble([first!, first!])).toBeNull();
    for (const octets of [
      [0x10],
      [0x00, 5, 0x30],
      [0x20, 1, 0x30],
      [0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x10, 0xb0, 0x10],
      [0x10, 0x32, 9, 0x10],
      [0x10, 0x34],
    ]) {
      expect(codec.assemble([Buffer.from(octets)])).toBeNull();
    }
  });
});
