/** How loud a microphone is, for a meter. */

/** The meter's range: below it is room noise, 0 dBFS is full scale. */
const QUIETEST_DB = -55;
const LOUDEST_DB = -6;

/** Root mean square of samples in [-1, 1] → 0 (silent) to 1 (loud), even in decibels as ears hear it. */
export function levelOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
}

let shared: AudioContext | undefined;

/** Browsers start audio only after the person did something: the first press or key wakes it. */
function context(): AudioContext {
  if (!shared) {
    const made = new AudioContext();
    const wake = () => void made.resume();
    for (const event of ['pointerdown', 'keydown'] as const) addEventListener(event, wake, { capture: true });
    shared = made;
  }
  void shared.resume();
  return shared;
}

/** Calls `show` with the level once a frame until the returned function is called. */
export function watchLevel(track: MediaStreamTrack, show: (level: number) => void): () => void {
  const audio = context();
  const source = audio.createMediaStreamSource(new MediaStream([track]));
  const analyser = audio.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  let frame = requestAnimationFrame(function draw() {
    analyser.getFloatTimeDomainData(samples);
    // Up at once, down slowly: a meter that can be read.
    shown = Math.max(levelOf(samples), shown * 0.92);
    show(shown);
    frame = requestAnimationFrame(draw);
  });
  return () => {
    cancelAnimationFrame(frame);
    source.disconnect();
    show(0);
  };
}
