/** Everything that can be set: `LIANMAI_NAME` in the environment, or `--name` as a flag (which wins). The README's table is compared with this by a test. */
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { Secret } from './common/Secret.ts';
import { VideoCodec } from './contracts/job.ts';
import {
  Count,
  Flag,
  IceServers,
  List,
  Port,
  PortRange,
  Prices,
  RedisUrl,
  StorageUrl,
  TenantLimits,
  Text,
  WebhookUrls,
} from './settingKinds.ts';

interface Setting {
  schema: z.ZodType;
  /** What an absent setting is, in the same form as it would be written. */
  fallback: string;
  /** One line for the README. */
  help: string;
}

/** Name → setting. `someName` is `LIANMAI_SOME_NAME` and `--some-name`. */
export const SETTINGS = {
  role: { schema: z.enum(['all', 'sfu', 'compositor', 'delivery']), fallback: 'all', help: 'What this process does.' },
  host: {
    schema: Text,
    fallback: '127.0.0.1',
    help: 'Address of the public port. Beyond loopback it needs LIANMAI_SECRET.',
  },
  port: { schema: Port, fallback: '8080', help: 'Public port: pages, API, signalling, playback.' },
  internalHost: { schema: Text, fallback: '127.0.0.1', help: 'Address of the internal port.' },
  internalPort: {
    schema: Port,
    fallback: '8081',
    help: 'Internal port: control, program, delivery control, metrics, health.',
  },
  secret: {
    schema: Text,
    fallback: '',
    help: 'Signs tokens; 32 characters or more. Two, separated by a comma: the first signs, both are accepted.',
  },
  dataDir: {
    schema: Text,
    fallback: join(homedir(), '.local', 'share', 'lianmai'),
    help: 'Where durable data is kept.',
  },
  resumeSeconds: {
    schema: z.coerce.number().pipe(z.int().min(0).max(86_400)),
    fallback: '600',
    help: 'Broadcasts whose process was killed at most so long ago go on after a restart, seconds; older ones are ended.',
  },
  maxAssetBytes: {
    schema: z.coerce.number().pipe(z.int().min(0)),
    fallback: String(1024 ** 3),
    help: 'Bytes that uploaded images and sounds may have together.',
  },
  logLevel: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    fallback: 'info',
    help: 'How much is logged.',
  },
  allowedOrigins: {
    schema: List,
    fallback: '',
    help: 'Origins of other pages that may use the API and signalling, separated by commas.',
  },
  trustedProxies: {
    schema: List,
    fallback: '',
    help: 'Addresses or networks of reverse proxies whose X-Forwarded-* headers are believed.',
  },
  tlsCert: {
    schema: Text,
    fallback: '',
    help: 'Certificate file (PEM) for the public port. Browsers give camera and microphone only to https pages and localhost.',
  },
  tlsKey: { schema: Text, fallback: '', help: 'Key file (PEM) of the certificate.' },
  announcedAddress: {
    schema: Text,
    fallback: '',
    help: 'Address or name that browsers reach WebRTC media at, when it differs from LIANMAI_RTC_HOST.',
  },
  rtcHost: { schema: Text, fallback: '', help: 'Address that WebRTC media is received on. Default: LIANMAI_HOST.' },
  rtcPort: {
    schema: Port,
    fallback: '40000',
    help: 'First WebRTC port; worker i has UDP and TCP port RTC_PORT + i. 0: any free ports.',
  },
  iceServers: { schema: IceServers, fallback: '[]', help: 'STUN and TURN servers for clients, as a JSON array.' },
  sfuWorkers: {
    schema: Count,
    fallback: String(availableParallelism()),
    help: 'mediasoup workers. Default: one a core.',
  },
  mediaHost: {
    schema: Text,
    fallback: '127.0.0.1',
    help: 'Address that compositors receive RTP on, and that the SFU sends it from.',
  },
  mediaPorts: { schema: PortRange, fallback: '42000-42999', help: 'UDP ports of compositors, one a broadcast.' },
  maxBroadcasts: { schema: Count, fallback: '4', help: 'Broadcasts that a compositor agent takes at the same time.' },
  compositorSlots: {
    schema: z.union([z.literal(''), z.coerce.number().pipe(z.number().positive().max(1000))]),
    fallback: '',
    help: 'Slots that a compositor agent offers; one is 0.75 of a core, what four people at 720p cost. Default: LIANMAI_MAX_BROADCASTS.',
  },
  warmCompositors: {
    schema: z.union([z.literal(''), Count]),
    fallback: '',
    help: 'Compositor processes that are kept ready. Default: 2, or 1 where there is one slot.',
  },
  placement: {
    schema: z.enum(['binpack', 'spread']),
    fallback: 'binpack',
    help: 'Role sfu: `binpack` gives a broadcast the fullest compositor agent that has room, so that others become empty and can go; `spread` the emptiest.',
  },
  tenantLimits: {
    schema: TenantLimits,
    fallback: '',
    help: 'How much tenants may have at the same time (docs/placement.md): a JSON object, or the name of a file that has one.',
  },
  recoverySeconds: {
    schema: z.coerce.number().pipe(z.int().min(10).max(86_400)),
    fallback: '600',
    help: 'A live broadcast whose compositor is lost shows a slate until there is another; it fails after so many seconds.',
  },
  rebalanceSeconds: {
    schema: z.coerce.number().pipe(z.int().min(1).max(86_400)),
    fallback: '30',
    help: 'Role sfu: so long a broadcast stays on a compositor agent at least before it is moved to where there is more room.',
  },
  drainSeconds: {
    schema: z.coerce.number().pipe(z.int().min(0).max(3600)),
    fallback: '60',
    help: 'Roles compositor and delivery: how long a process that is asked to end waits until its broadcasts are handed over, seconds.',
  },
  maxHandoffs: {
    schema: z.coerce.number().pipe(z.int().min(1).max(1000)),
    fallback: '2',
    help: 'Compositors that warm up at the same time, to take a broadcast over from another one.',
  },
  encoderThreads: {
    schema: z.coerce.number().pipe(z.int().min(1).max(16)),
    fallback: '1',
    help: 'x264 threads a broadcast.',
  },
  videoEncoder: {
    schema: VideoCodec,
    fallback: 'libx264',
    help: 'Video encoder of broadcasts: `libx264`, or with a graphics card `h264_nvenc`, `h264_vaapi`, `h264_qsv`. Where it cannot be opened libx264 stands in.',
  },
  compositorUrls: {
    schema: List,
    fallback: '',
    help: 'Role sfu: internal URLs of compositor agents, separated by commas. Default: those that announce themselves in Redis.',
  },
  deliveryUrl: {
    schema: Text,
    fallback: '',
    help: 'Role sfu: internal URL of the delivery node. Default: of those that announce themselves in Redis, for each broadcast the one with the fewest.',
  },
  redisUrl: {
    schema: RedisUrl,
    fallback: '',
    help: 'Redis of a fleet: roles of their own announce themselves there. `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` for TLS.',
  },
  redisPrefix: {
    schema: z.string().regex(/^[\w{}:.-]{1,64}$/, '1 to 64 of letters, digits and _ - . : { }'),
    fallback: 'lianmai:',
    help: 'Begins every key and channel in Redis; two fleets in one Redis have two.',
  },
  internalUrl: {
    schema: Text,
    fallback: '',
    help: 'URL that the other nodes reach the internal port at. Default: its address, or LIANMAI_MEDIA_HOST when that is every address.',
  },
  podName: {
    schema: z.string().regex(/^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$/, 'a name as Kubernetes has it'),
    fallback: '',
    help: 'On Kubernetes the name of the pod that this process is in.',
  },
  podDeletionCost: {
    schema: Flag,
    fallback: 'false',
    help: 'Role sfu on Kubernetes: one of the nodes keeps `controller.kubernetes.io/pod-deletion-cost` on the pods of compositors, so that the emptiest goes first.',
  },
  deliveryOrigin: {
    schema: Text,
    fallback: '',
    help: 'Role delivery, for a node that only serves viewers: internal URL of the delivery node that has the broadcasts; `redis`: of whichever has it, as they announce themselves there.',
  },
  edgeCacheBytes: {
    schema: z.coerce.number().pipe(z.int().min(0)),
    fallback: String(256 * 1024 ** 2),
    help: 'Bytes of another delivery node’s answers that are kept in memory.',
  },
  allowPrivateDestinations: {
    schema: Flag,
    fallback: 'false',
    help: 'Allows destinations at private, loopback and link-local addresses.',
  },
  webhookUrls: {
    schema: WebhookUrls,
    fallback: '',
    help: 'URLs that every event is sent to (docs/webhooks.md), separated by commas. They may be at private addresses.',
  },
  webhookSecret: {
    schema: Text,
    fallback: '',
    help: 'Signs what is sent to LIANMAI_WEBHOOK_URLS; 32 characters or more. Two, separated by a comma: both sign. Default: follows from LIANMAI_SECRET.',
  },
  allowPrivateWebhooks: {
    schema: Flag,
    fallback: 'false',
    help: 'Allows webhooks that are set by the API at private, loopback and link-local addresses.',
  },
  chatGuests: {
    schema: Flag,
    fallback: 'true',
    help: 'Viewers without an invitation may take a name and write in the chat; `false`: they only read.',
  },
  prices: {
    schema: Prices,
    fallback: '',
    help: 'What use costs (docs/usage.md): a JSON object, or the name of a file that has one.',
  },
  ffmpeg: {
    schema: Text,
    fallback: 'ffmpeg',
    help: 'The ffmpeg program that pushes to destinations and finishes recordings.',
  },
  storage: {
    schema: StorageUrl,
    fallback: 'file',
    help: 'Where finished recordings are kept: `file` (in LIANMAI_DATA_DIR), or `s3://BUCKET/PREFIX` in an S3-compatible store.',
  },
  s3Endpoint: {
    schema: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
    fallback: '',
    help: "URL of the S3-compatible store. Default: Amazon's of the region.",
  },
  s3Region: { schema: Text, fallback: 'us-east-1', help: 'Region of the bucket.' },
  s3AccessKeyId: {
    schema: Text,
    fallback: '',
    help: 'Access key of the store. Without one, where the AWS SDK looks: AWS_* variables, shared files, the role of the machine.',
  },
  s3SecretAccessKey: { schema: Text, fallback: '', help: 'Its secret.' },
} as const satisfies Record<string, Setting>;

type Values = { [K in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[K]['schema']> };
export type Config = Omit<
  Values,
  'secret' | 'rtcHost' | 'webhookSecret' | 's3SecretAccessKey' | 'redisUrl' | 'compositorSlots' | 'warmCompositors'
> & {
  compositorSlots: number;
  warmCompositors: number;
  /** It may hold a password. null: there is no Redis. */
  redisUrl: Secret | null;
  /** null: the AWS SDK finds its credentials itself. */
  s3SecretAccessKey: Secret | null;
  /** The first signs. Empty: open mode, loopback only. */
  secrets: Secret[];
  rtcHost: string;
  /** Empty: they follow from `secrets`. */
  webhookSecrets: Secret[];
};

export class ConfigError extends Error {
  override name = 'ConfigError';
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
export const flagOf = (name: string): string => `--${kebab(name)}`;
export const environmentOf = (name: string): string => `LIANMAI_${kebab(name).replaceAll('-', '_').toUpperCase()}`;

export function isLoopback(address: string): boolean {
  if (address === 'localhost') return true;
  const bare = address.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback';
}

/** Flags win over the environment, the environment over the defaults. Throws ConfigError with a sentence for each mistake. */
export function parseConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const names = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[];
  const flags = readFlags(argv, names);
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const text = flags[kebab(name)] ?? env[environmentOf(name)] ?? SETTINGS[name].fallback;
    const parsed = SETTINGS[name].schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else
      mistakes.push(
        `${environmentOf(name)} (${flagOf(name)}): ${parsed.error.issues.map((i) => i.message).join('; ')}`,
      );
  }
  const known = new Set(names.map(environmentOf));
  const foreign = new Set(['LIANMAI_API_TOKEN']);
  for (const key of Object.keys(env)) {
    if (key.startsWith('LIANMAI_') && !known.has(key) && !foreign.has(key))
      mistakes.push(`${key}: there is no such setting`);
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('\n'));
  return complete(values as Values);
}

function readFlags(argv: readonly string[], names: string[]): Record<string, string> {
  try {
    const options = Object.fromEntries(names.map((n) => [kebab(n), { type: 'string' as const }]));
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values as Record<
      string,
      string
    >;
  } catch (error) {
    throw new ConfigError((error as Error).message, { cause: error });
  }
}

/** At most two, separated by a comma. */
function readSecrets(name: string, text: string): string[] {
  const secrets = List.parse(text);
  if (secrets.length > 2) throw new ConfigError(`${name}: at most two secrets, separated by a comma`);
  if (secrets.some((s) => s.length < 32))
    throw new ConfigError(`${name}: a secret has 32 characters or more, e.g. from \`openssl rand -hex 32\``);
  return secrets;
}

/** LIANMAI_DELIVERY_ORIGIN: the directory says which node has a broadcast. */
export const BY_REDIS = 'redis';

/** What a role of its own needs to find the others. */
function checkFleet(values: Omit<Values, 'secret' | 'webhookSecret' | 'rtcHost' | 's3SecretAccessKey'>): void {
  const { role, compositorUrls, deliveryUrl, deliveryOrigin, redisUrl, internalUrl } = values;
  if (role === 'sfu' && redisUrl === '' && (compositorUrls.length === 0 || deliveryUrl === ''))
    throw new ConfigError(
      'role sfu needs LIANMAI_REDIS_URL to find the others, or LIANMAI_DELIVERY_URL and LIANMAI_COMPOSITOR_URLS',
    );
  if (role === 'all' && redisUrl !== '')
    throw new ConfigError(
      'LIANMAI_REDIS_URL: role all is a whole server in one process; a fleet has roles of their own',
    );
  if (deliveryOrigin === BY_REDIS && redisUrl === '')
    throw new ConfigError('LIANMAI_DELIVERY_ORIGIN: `redis` needs LIANMAI_REDIS_URL');
  if (![BY_REDIS, ''].includes(deliveryOrigin) && !/^https?:$/.test(URL.parse(deliveryOrigin)?.protocol ?? ''))
    throw new ConfigError('LIANMAI_DELIVERY_ORIGIN: an http or https URL, or `redis`');
  if (internalUrl !== '' && !/^https?:$/.test(URL.parse(internalUrl)?.protocol ?? ''))
    throw new ConfigError('LIANMAI_INTERNAL_URL: an http or https URL');
}

function complete({ secret, webhookSecret, rtcHost, s3SecretAccessKey, ...values }: Values): Config {
  const secrets = readSecrets('LIANMAI_SECRET', secret);
  const webhookSecrets = readSecrets('LIANMAI_WEBHOOK_SECRET', webhookSecret);
  if (values.webhookUrls.length > 0 && secrets.length === 0 && webhookSecrets.length === 0)
    throw new ConfigError('LIANMAI_WEBHOOK_URLS needs LIANMAI_WEBHOOK_SECRET, or LIANMAI_SECRET, to sign with');
  if (secrets.length === 0) {
    const beyond = (['host', 'internalHost'] as const).filter((name) => !isLoopback(values[name]));
    if (beyond.length > 0) {
      throw new ConfigError(
        `${beyond.map((n) => `${environmentOf(n)}=${values[n]}`).join(' and ')} would let other machines in, and without LIANMAI_SECRET anybody could host and stop shows. ` +
          'Set LIANMAI_SECRET (32 characters or more, e.g. from `openssl rand -hex 32`), or listen on 127.0.0.1.',
      );
    }
  }
  if ((values.tlsCert === '') !== (values.tlsKey === ''))
    throw new ConfigError('LIANMAI_TLS_CERT and LIANMAI_TLS_KEY go together');
  if ((values.s3AccessKeyId === '') !== (s3SecretAccessKey === ''))
    throw new ConfigError('LIANMAI_S3_ACCESS_KEY_ID and LIANMAI_S3_SECRET_ACCESS_KEY go together');
  checkFleet(values);
  if (values.role !== 'all' && secrets.length === 0)
    throw new ConfigError(`role ${values.role} needs LIANMAI_SECRET: the roles know each other by it`);
  const compositorSlots = values.compositorSlots || values.maxBroadcasts;
  return {
    ...values,
    compositorSlots,
    warmCompositors: values.warmCompositors === '' ? (compositorSlots > 1 ? 2 : 1) : values.warmCompositors,
    s3SecretAccessKey: s3SecretAccessKey ? new Secret(s3SecretAccessKey) : null,
    redisUrl: values.redisUrl ? new Secret(values.redisUrl) : null,
    secrets: secrets.map((s) => new Secret(s)),
    webhookSecrets: webhookSecrets.map((s) => new Secret(s)),
    rtcHost: rtcHost || values.host,
  };
}
