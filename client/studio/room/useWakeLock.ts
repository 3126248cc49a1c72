import { useEffect } from 'preact/hooks';

/**
 * The screen stays on: a phone that locks itself takes camera and sound with it (Screen Wake Lock). Browsers let go of the lock when the page is
 * hidden, so it is taken again when it is back.
 */
export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined;
    let left = false;
    const take = async (): Promise<void> => {
      // Older browsers have none; a phone that saves its battery refuses.
      if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
      const taken = await navigator.wakeLock.request('screen').catch(() => undefined);
      if (left) await taken?.release();
      else lock = taken;
    };
    const onVisible = (): void => void take();
    document.addEventListener('visibilitychange', onVisible);
    void take();
    return () => {
      left = true;
      document.removeEventListener('visibilitychange', onVisible);
      void lock?.release();
    };
  }, []);
}
