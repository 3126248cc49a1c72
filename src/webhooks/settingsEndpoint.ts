import { createHash } from 'node:crypto';
import type { StoredEndpoint } from './WebhookStore.ts';

/** The endpoint of one of LIANMAI_WEBHOOK_URLS: its id follows from the URL, so that it is the same one after a restart. */
export function settingsEndpoint(url: string): StoredEndpoint {
  return {
    id: `settings-${createHash('sha256').update(url).digest('hex').slice(0, 12)}`,
    url,
    events: ['*'],
    enabled: true,
    description: '',
    source: 'settings',
    createdAt: Date.now(),
    sealedSecret: '',
    sealedOldSecret: null,
    oldSecretUntil: null,
  };
}
