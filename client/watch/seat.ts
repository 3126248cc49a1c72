/** The way onto the stage, loaded when somebody wants it: it weighs as much as the studio. */
import { signal } from '@preact/signals';

/** null: not asked for. `failed`: it could not be loaded. */
export const seat = signal<import('./seat/index.ts').SeatWay | 'loading' | 'failed' | null>(null);

export async function openSeat(room: string): Promise<void> {
  if (seat.value !== null && seat.value !== 'failed') return;
  seat.value = 'loading';
  try {
    const { SeatWay } = await import('./seat/index.ts');
    seat.value = new SeatWay(room, () => {
      seat.value = null;
    });
  } catch {
    seat.value = 'failed';
  }
}
