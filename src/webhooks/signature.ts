/** Signing of webhooks: how a receiver knows that a request is ours, whole, and not an old one sent again. */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret } from '../common/Secret.ts';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;
/** A request that is older is refused, seconds: receivers' clocks are off by less, and whoever caught it can not send it again for long. */
export const TOLERANCE_S = 300;

/** A secret is used as it is written, prefix and all. */
export const newWebhookSecret = (): Secret => new Secret(PREFIX + randomBytes(SECRET_BYTES).toString('base64url'));

/** The secret of webhooks that follows from LIANMAI_SECRET (HKDF-SHA256, RFC 5869). */
export const derivedWebhookSecret = (secret: Secret): Secret =>
  new Secret(
    PREFIX +
      Buffer.from(hkdfSync('sha256', secret.reveal(), 'lianmai', 'webhooks', SECRET_BYTES)).toString('base64url'),
  );

/** What the webhooks of the settings are signed with: LIANMAI_WEBHOOK_SECRET, or what follows from LIANMAI_SECRET. */
export const signingSecretsOf = (config: {
  secrets: readonly Secret[];
  webhookSecrets: readonly Secret[];
}): Secret[] =>
  config.webhookSecrets.length > 0 ? [...config.webhookSecrets] : config.secrets.map(derivedWebhookSecret);

const hmac = (secret: string, seconds: number, body: string): string =>
  createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');

/** `t=SECONDS,v1=HEX`, with one `v1` for each of the live secrets. */
export function sign(body: string, secrets: readonly Secret[], nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return [`t=${seconds}`, ...secrets.map((s) => `v1=${hmac(s.reveal(), seconds, body)}`)].join(',');
}

/** What a receiver does; docs/webhooks.md has it in other words. */
export function verify(header: string, body: string, secret: Secret, nowMs: number): boolean {
  const seconds = Number(header.match(/(?:^|,)t=(\d{1,15})(?:,|$)/)?.[1] ?? Number.NaN);
  if (!(Math.abs(nowMs / 1000 - seconds) <= TOLERANCE_S)) return false;
  const wanted = Buffer.from(hmac(secret.reveal(), seconds, body));
  return [...header.matchAll(/(?:^|,)v1=([0-9a-f]{64})(?=,|$)/g)].some((m) =>
    timingSafeEqual(Buffer.from(m[1] ?? ''), wanted),
  );
}
