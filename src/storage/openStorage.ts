import { join } from 'node:path';
import type { Config } from '../config.ts';
import { LocalStorage } from './LocalStorage.ts';
import { S3Storage } from './S3Storage.ts';
import type { Storage } from './Storage.ts';

type StorageConfig = Pick<
  Config,
  'dataDir' | 'storage' | 's3Endpoint' | 's3Region' | 's3AccessKeyId' | 's3SecretAccessKey'
>;

/** The storage of LIANMAI_STORAGE. Does not ask whether it can be reached: recordings wait until it can. */
export async function openStorage(config: StorageConfig): Promise<Storage> {
  const { storage } = config;
  if (storage.kind === 'file') return LocalStorage.create(join(config.dataDir, 'recordings'));
  return new S3Storage({
    bucket: storage.bucket,
    prefix: storage.prefix,
    endpoint: config.s3Endpoint,
    region: config.s3Region,
    credentials: config.s3SecretAccessKey
      ? { accessKeyId: config.s3AccessKeyId, secretAccessKey: config.s3SecretAccessKey }
      : null,
  });
}
