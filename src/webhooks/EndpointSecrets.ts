import { Secret } from '../common/Secret.ts';
import { SealError, type SecretBox } from '../common/SecretBox.ts';
import type { StoredEndpoint } from './WebhookStore.ts';

/** Which secrets a request is signed with. Those of the API's webhooks are sealed in the store, those of the settings are nowhere. */
export class EndpointSecrets {
  readonly #box: Pick<SecretBox, 'seal' | 'open'>;
  readonly #ofSettings: readonly Secret[];

  constructor(box: Pick<SecretBox, 'seal' | 'open'>, ofSettings: readonly Secret[]) {
    this.#box = box;
    this.#ofSettings = ofSettings;
  }

  seal(secret: Secret): string {
    return this.#box.seal(secret.reveal());
  }

  /** Those that are live whenever it is called, the newest first. undefined: they can not be opened any more. */
  open({ source, sealedSecret, sealedOldSecret, oldSecretUntil }: StoredEndpoint): (() => Secret[]) | undefined {
    if (source === 'settings') return () => [...this.#ofSettings];
    try {
      const newest = new Secret(this.#box.open(sealedSecret));
      const old = sealedOldSecret === null ? undefined : this.#openOld(sealedOldSecret);
      return () => (old && Date.now() < (oldSecretUntil ?? 0) ? [newest, old] : [newest]);
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }

  /** One that can not be opened is as one that is over. */
  #openOld(sealed: string): Secret | undefined {
    try {
      return new Secret(this.#box.open(sealed));
    } catch (error) {
      if (error instanceof SealError) return undefined;
      throw error;
    }
  }
}
