/** `npm run token -- --role host --room demo`: makes a token by hand, signed with LIANMAI_SECRET. */
import { parseArgs } from 'node:util';
import { newId } from '../src/common/ids.ts';
import { ConfigError, parseConfig } from '../src/config.ts';
import { Claims } from '../src/contracts/tokens.ts';
import { Tokens } from '../src/tokens/Tokens.ts';

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
  const { audience: aud, role, room, identity, name } = values;
  const claims = Claims.safeParse({ aud, sub: identity ?? newId('p'), role, room, ...(name ? { name } : {}) });
  if (!claims.success)
    throw new ConfigError(claims.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('\n'));
  const seconds = Number(values['expires-seconds']);
  if (!(seconds > 0)) throw new ConfigError('--expires-seconds: a number above 0');
  console.log(await Tokens.create(config.secrets).sign(claims.data, seconds));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
