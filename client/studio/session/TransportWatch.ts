import type { types } from 'mediasoup-client';

/** A route that is lost often comes back by itself (RFC 8445, section 11: consent is kept for 30 s); a person waits this long, ms. */
const DISCONNECTED_MS = 3_000;
/** How long a restarted ICE may take before the whole connection is built anew, ms. */
const RESTART_MS = 8_000;
/** How long the first connection may take, ms. */
const FIRST_MS = 15_000;

interface Actions {
  restartIce: () => Promise<void>;
  onFailed: () => void;
}

/** Watches one transport: lost for a while → restart ICE; lost for longer → failed. */
export class TransportWatch {
  readonly #actions: Actions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restarted = false;
  #closed = false;

  constructor(transport: Pick<types.Transport, 'on'>, actions: Actions) {
    this.#actions = actions;
    transport.on('connectionstatechange', (state: types.ConnectionState) => this.#onState(state));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #onState(state: types.ConnectionState): void {
    if (this.#closed) return;
    switch (state) {
      case 'connecting':
        if (!this.#restarted) this.#after(FIRST_MS, () => this.#fail());
        return;
      case 'connected':
        clearTimeout(this.#timer);
        this.#restarted = false;
        return;
      case 'disconnected':
        if (!this.#restarted) this.#after(DISCONNECTED_MS, () => this.#restart());
        return;
      case 'failed':
        if (this.#restarted) this.#fail();
        else this.#restart();
        return;
      default:
        return;
    }
  }

  #restart(): void {
    this.#restarted = true;
    this.#after(RESTART_MS, () => this.#fail());
    this.#actions.restartIce().catch(() => this.#fail());
  }

  #fail(): void {
    if (this.#closed) return;
    this.close();
    this.#actions.onFailed();
  }

  #after(ms: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }
}
