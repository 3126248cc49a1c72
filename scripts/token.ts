/**
 * `npm run token -- --role host --room demo`: makes a token by hand, signed with LIANMAI_SECRET. `--audience webhooks` prints what webhooks
 * of LIANMAI_WEBHOOK_URLS are verified with.
 */
import { parseArgs } from 'node:util';
import { newId } from '../src/common/ids.ts';
import type { Secret } from '../src/common/Secret.ts';
import { ConfigError, parseConfig } from '../src/config.ts';
import { Claims } from '../src/contracts/tokens.ts';
import { Tokens } from '../src/tokens/Tokens.ts';
import { signingSecretsOf } from '../src/webhooks/signature.ts';

const { values } = parseArgs({
  options: {
    audience: { type: 'string', default: 'join' },
    role: { type: 'string', default: 'host' },
    room: { type: 'string', default: 'demo' },
    identity: { type: 'string' },
    name: { type: 'string' },
    'expires-seconds': { type: 'string', default: '43200' },
  },
});

try {
  const config = parseConfig([], process.env);
  if (config.secrets.length === 0)
    throw new ConfigError('LIANMAI_SECRET is not set: the server that is to accept the token needs the same secret.');
  const { audience, ...wishes } = values;
  if (audience === 'webhooks') for (const secret of signingSecretsOf(config)) console.log(secret.reveal());
  else console.log(await makeToken(config.secrets, audience, wishes));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function makeToken(
  secrets: readonly Secret[],
  aud: string,
  { role, room, identity, name, 'expires-seconds': expires }: Omit<typeof values, 'audience'>,
): Promise<string> {
  const claims = Claims.safeParse({ aud, sub: identity ?? newId('p'), role, room, ...(name ? { name } : {}) });
  if (!claims.success)
    throw new ConfigError(claims.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n'));
  const seconds = Number(expires);
  if (!(seconds > 0)) throw new ConfigError('--expires-seconds: a number above 0');
  return Tokens.create(secrets).sign(claims.data, seconds);
}
