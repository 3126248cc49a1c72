import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/**
 * Whole seconds until `at` (ms since 1970 by the server's clock, `offset` ms ahead of ours), rounded up, new at the moment when each is over;
 * 0: it has come. null while `at` is.
 */
export function useRemaining(at: number | null, offset: number): number | null {
  const left = () => (at === null ? null : Math.max(0, Math.ceil((at - offset - Date.now()) / 1000)));
  const seconds = useSignal(left());
  useEffect(() => {
    if (at === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tick = () => {
      const ms = at - offset - Date.now();
      seconds.value = left();
      // To the next whole second: all who look see the same number.
      if (ms > 0) timer = setTimeout(tick, ms % 1000 || 1000);
    };
    tick();
    return () => clearTimeout(timer);
  }, [at, offset]);
  // Another time is shown at once, before its first tick.
  return at === null ? null : Math.min(seconds.value ?? Number.POSITIVE_INFINITY, left() ?? 0);
}
