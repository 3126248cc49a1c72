import { expect, test } from 'vitest';
import { HoleFiller } from '../../../../compositor/decode/HoleFiller.ts';
import { PcmRing } from '../../../../compositor/decode/PcmRing.ts';

const sound = (length: number) => ({
  left: new Float32Array(length).fill(0.5),
  right: new Float32Array(length).fill(0.5),
});

test('a reader that all there is has left behind hears silence', () => {
  const ring = new PcmRing();
  ring.write(sound(960), 0);
  const filler = new HoleFiller(ring, 0, false);
  const out = sound(960);
  filler.pull(480, out, 0, false);
  // The source goes on far ahead, as after a process has stood still: what was there is overwritten.
  const ahead = 1_000_000;
  for (let at = ahead; at < ahead + 480_000; at += 960) ring.write(sound(960), at);
  expect(ring.rangeFrom(479)?.start).toBeGreaterThan(480);
  filler.pull(480, out, 0, false);
  expect(out.left.subarray(0, 480).every((v) => v === 0)).toBe(true);
});
