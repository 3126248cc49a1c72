/** Resolves at the next event, or when `signal` is aborted. */
export function nextEvent(
  of: { on(event: 'event', listener: () => void): unknown; off(event: 'event', listener: () => void): unknown },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      of.off('event', done);
      resolve();
    };
    of.on('event', done);
    if (signal.aborted) done();
    signal.addEventListener('abort', done, { once: true });
  });
}
