/** From the watch page to the stage without a reload: camera check, queue, studio (previous: ../seat.ts). */
import '../../studio/studio.css';
import '../../studio/scene.css';
import '../../studio/seats.css';
import '../../studio/show.css';
import '../../studio/desk.css';
import '../../studio/door.css';
import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import { Studio } from '../../studio/Studio.ts';
import type { StudioPage } from '../../studio/StudioPage.tsx';
import { SeatPanel } from './SeatPanel.tsx';

/** What could not be loaded is asked for again after this, ms. */
const LOAD_AGAIN_MS = 2_000;

export class SeatWay {
  readonly studio: Studio;
  readonly Panel = SeatPanel;
  /** Loaded while one waits in the queue; null: not there yet. */
  readonly stage = signal<typeof StudioPage | null>(null);
  /** One has, or had, a seat: the studio is the whole page from then on. */
  readonly onStage: ReadonlySignal<boolean>;
  readonly #onEnd: () => void;
  readonly #stops: (() => void)[];

  /** `onEnd`: the person goes on watching. */
  constructor(room: string, onEnd: () => void) {
    this.studio = new Studio(`/studio/${room}`);
    this.#onEnd = onEnd;
    let sat = false;
    this.onStage = computed(() => {
      sat ||= this.studio.session.value?.state.self.value?.seated === true;
      return sat;
    });
    void this.studio.open('audience');
    const leaves = (event: PageTransitionEvent) => {
      // A page in the back-forward cache would hold camera and seat.
      if (!event.persisted) this.#close();
    };
    addEventListener('pagehide', leaves);
    this.#stops = [
      () => removeEventListener('pagehide', leaves),
      effect(() => {
        // A reload comes back to the seat.
        if (this.onStage.value) history.replaceState(history.state, '', `/studio/${room}`);
      }),
    ];
  }

  /** Goes in and asks at once: that is what the person came for. */
  ask(name: string): void {
    this.studio.join(name);
    void this.#loadStage();
    const session = this.studio.session.value;
    if (!session) return;
    const stop = effect(() => {
      if (session.phase.value !== 'joined') return;
      // Who has a seat already, by an earlier visit, is there.
      if (!session.state.self.peek()?.seated) queueMicrotask(() => void session.seats.request());
      queueMicrotask(() => stop());
    });
    this.#stops.push(stop);
  }

  async #loadStage(): Promise<void> {
    try {
      const { StudioPage } = await import('../../studio/StudioPage.tsx');
      this.stage.value = StudioPage;
    } catch {
      // Whoever has a seat then is where a reload leads to.
      if (this.onStage.peek()) location.reload();
      else setTimeout(() => void this.#loadStage(), LOAD_AGAIN_MS);
    }
  }

  /** Back to watching: devices are let go of. */
  cancel(): void {
    for (const stop of this.#stops) stop();
    void this.studio.session.value?.leave();
    this.#close();
    this.#onEnd();
  }

  #close(): void {
    this.studio.session.value?.close();
    this.studio.media.value.close();
  }
}
