import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMetrics } from '../../../scripts/bench/support/scrape.ts';
import { spread } from '../../../scripts/bench/support/spread.ts';
import { ClipStore } from '../../../scripts/simulator/clip/ClipStore.ts';
import { packClip, unpackClip } from '../../../scripts/simulator/clip/clipFile.ts';
import { codecsOf, receiveCapabilities } from '../../../scripts/simulator/codecs.ts';
import { parseScript, peersAtStart } from '../../../scripts/simulator/script.ts';

describe('the script', () => {
  test('is sorted by time, and says who is there from the start', () => {
    const steps = parseScript(
      '[{"at":5,"peer":1,"do":"leave"},{"at":1,"peer":2,"do":"join"},{"at":9,"peer":1,"do":"join"}]',
    );
    expect(steps.map((s) => s.at)).toEqual([1, 5, 9]);
    expect(peersAtStart(4, steps)).toEqual([0, 1, 3]);
  });

  test('says what is wrong with it', () => {
    expect(() => parseScript('{')).toThrow('not JSON');
    expect(() => parseScript('[{"at":-1,"peer":0,"do":"join"}]')).toThrow('0.at');
    expect(() => parseScript('[{"at":1,"peer":0,"do":"dance"}]')).toThrow('0.do');
    expect(() => parseScript('[{"at":1,"peer":0,"do":"join","how":1}]')).toThrow('how');
  });
});

describe('clip files', () => {
  const clip = {
    video: [
      [
        [
          { data: Buffer.from('abc'), key: true },
          { data: Buffer.from('d'), key: false },
        ],
      ],
      [[{ data: Buffer.from('ef'), key: true }]],
    ],
    audio: [Buffer.from('gh'), Buffer.from('i')],
  };

  test('come back as they were', () => {
    expect(unpackClip(packClip(clip))).toEqual(clip);
  });

  test('that are cut off or something else are refused', () => {
    expect(() => unpackClip(packClip(clip).subarray(0, -1))).toThrow('cut off');
    expect(() => unpackClip(Buffer.from('something else'))).toThrow('not a clip');
  });

  test('are read once for all; a broken one is an error for who asks, and is read anew', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-clips-'));
    try {
      const store = new ClipStore({ folder });
      await writeFile(join(folder, 'vp8-01.clip'), packClip(clip));
      expect(await store.get(1, 'vp8')).toBe(await store.get(17, 'vp8'));
      await writeFile(join(folder, 'vp8-02.clip'), 'broken');
      await expect(store.get(2, 'vp8')).rejects.toThrow('not a clip');
      await writeFile(join(folder, 'vp8-02.clip'), packClip(clip));
      expect((await store.get(2, 'vp8')).audio).toHaveLength(2);
      store.close();
      store.close();
      await expect(store.get(1, 'vp8')).rejects.toThrow('closed');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a store that is closed while it makes one leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lianmai-clips-'));
    try {
      const store = new ClipStore({ folder, onMake: () => store.close() });
      await expect(store.get(0, 'h264')).rejects.toThrow();
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('codecs', () => {
  const feedback = [
    { type: 'nack', parameter: '' },
    { type: 'transport-cc', parameter: '' },
    { type: 'goog-remb', parameter: '' },
  ];
  const h264 = { kind: 'video', mimeType: 'video/H264', clockRate: 90_000 };
  const capabilities = {
    codecs: [
      { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, preferredPayloadType: 100 },
      { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, preferredPayloadType: 101, rtcpFeedback: feedback },
      { kind: 'video', mimeType: 'video/rtx', clockRate: 90_000, preferredPayloadType: 102 },
      { ...h264, preferredPayloadType: 103, parameters: { 'packetization-mode': 1, 'profile-level-id': '4d0032' } },
      { ...h264, preferredPayloadType: 104, parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' } },
      { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, preferredPayloadType: 105 },
      { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000, preferredPayloadType: 107 },
    ],
  };

  test('sends with the payload types and the profile that the router takes', () => {
    expect(codecsOf(capabilities, 'vp8')).toEqual({
      video: { payloadType: 101, fmtp: {} },
      audio: { payloadType: 100 },
    });
    expect(codecsOf(capabilities, 'h264').video).toMatchObject({
      payloadType: 104,
      fmtp: { 'profile-level-id': '42e01f' },
    });
    expect(codecsOf(capabilities, 'vp9').video).toEqual({ payloadType: 105, fmtp: { 'profile-id': 0 } });
    expect(codecsOf(capabilities, 'av1').video).toEqual({ payloadType: 107, fmtp: { profile: 0 } });
    expect(() => codecsOf({ codecs: capabilities.codecs.slice(0, 2) }, 'h264')).toThrow('H264');
  });

  test('takes no retransmission codec and no bandwidth estimation', () => {
    const { codecs, headerExtensions } = receiveCapabilities(capabilities);
    expect(codecs?.map((c) => c.preferredPayloadType)).toEqual([100, 101, 103, 104, 105, 107]);
    expect(codecs?.[1]?.rtcpFeedback).toEqual([{ type: 'nack', parameter: '' }]);
    expect(headerExtensions).toEqual([]);
  });
});

test('bench helpers: metrics are added over labels; a spread', () => {
  const text = '# HELP a x\na 1\nb{x="1"} 2\nb{x="2 }"} 3.5\nc_total{y="z"} 1e3\n';
  expect(parseMetrics(text)).toEqual({ a: 1, b: 5.5, c_total: 1000 });
  expect(spread([])).toBeNull();
  expect(spread([3, 1, 2])).toEqual({ min: 1, p50: 2, p95: 3, max: 3 });
});
