/** Kinds of settings: from the text that is set to a value. Next: config.ts names them. */
import { z } from 'zod';
import { readTenantRules } from './broadcast/place/readTenantRules.ts';
import { readPrices } from './usage/prices.ts';

export const Port = z.coerce.number().pipe(z.int().min(0).max(65_535));
export const Count = z.coerce.number().pipe(z.int().min(0).max(1000));
export const Text = z.string();
export const Flag = z
  .enum(['true', 'false', '1', '0', 'yes', 'no', ''])
  .transform((v) => v === '' || v === 'true' || v === '1' || v === 'yes');
export const List = z.string().transform((v) =>
  v
    .split(',')
    .map((s) => s.trim())
    .filter(Boolean),
);
export const WebhookUrls = List.refine(
  (urls) => urls.every((u) => /^https?:\/\/[^@/]+(\/|$)/.test(u) && URL.canParse(u)),
  'http or https URLs without user and password',
);
export const PortRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'FROM-TO')
  .transform((v): [number, number] => {
    const [from, to] = v.split('-').map(Number);
    return [from ?? 0, to ?? 0];
  })
  .refine(([from, to]) => from >= 1024 && from <= to && to <= 65_535, 'a range of ports from 1024 on');
export const IceServers = z.string().transform((v, ctx) => {
  try {
    return z
      .array(
        z.object({
          urls: z.union([z.string(), z.array(z.string())]),
          username: z.string().optional(),
          credential: z.string().optional(),
        }),
      )
      .parse(JSON.parse(v || '[]'));
  } catch {
    ctx.addIssue({ code: 'custom', message: 'a JSON array of {urls, username?, credential?}' });
    return z.NEVER;
  }
});

/** `file`, or `s3://BUCKET` with a prefix or without. */
export const StorageUrl = z
  .string()
  .transform((v, ctx): { kind: 'file' } | { kind: 's3'; bucket: string; prefix: string } => {
    if (v === 'file') return { kind: 'file' };
    const [, bucket = '', prefix = ''] =
      /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/[\w-][\w.-]*)*)\/?$/.exec(v) ?? [];
    if (bucket) return { kind: 's3', bucket, prefix: prefix.slice(1) };
    ctx.addIssue({ code: 'custom', message: '`file`, or s3://BUCKET/PREFIX' });
    return z.NEVER;
  });

export const RedisUrl = Text.refine(
  (v) => v === '' || (/^rediss?:\/\/[^/]/.test(v) && URL.canParse(v)),
  'redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS',
);

export const TenantLimits = z.string().transform((v, ctx) => {
  try {
    return readTenantRules(v);
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

export const Prices = z.string().transform((v, ctx) => {
  try {
    return readPrices(v);
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});
