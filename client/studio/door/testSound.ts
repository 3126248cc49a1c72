/** A short sound that nobody takes for something else: three notes upwards, made here. */

/** C5, E5, G5, Hz. */
const NOTES = [523.25, 659.25, 783.99];
/** From one note to the next, and how long each is heard, s. */
const STEP_S = 0.22;
const NOTE_S = 0.5;
/** Well below full scale: loudspeakers may be turned up. */
const PEAK = 0.25;

export interface TestSound {
  stream: MediaStream;
  /** Resolves when the last note has faded. */
  ended: Promise<void>;
  close(): void;
}

/** Begins at once; what plays `stream` decides where it comes out. */
export function startTestSound(): TestSound {
  const audio = new AudioContext();
  const destination = audio.createMediaStreamDestination();
  const oscillators = NOTES.map((frequency, i) => {
    const from = audio.currentTime + 0.1 + i * STEP_S;
    const oscillator = new OscillatorNode(audio, { frequency });
    const gain = new GainNode(audio, { gain: 0 });
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(PEAK, from + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, from + NOTE_S);
    oscillator.connect(gain).connect(destination);
    oscillator.start(from);
    oscillator.stop(from + NOTE_S);
    return oscillator;
  });
  const ended = new Promise<void>((resolve) => {
    oscillators.at(-1)?.addEventListener('ended', () => resolve());
  });
  void audio.resume();
  return { stream: destination.stream, ended, close: () => void audio.close().catch(() => undefined) };
}
