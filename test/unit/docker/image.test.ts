/** Dockerfile, .dockerignore and compose.yaml: what is copied exists, and every service's settings are ones that the code takes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfig, environmentOf as variableOf } from '../../../src/config.ts';
import { containersOf, type Fields, named, overlay, podOf, workloads } from '../../support/k8s/manifests.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('Dockerfile', () => {
  /** Without comments, a line for each instruction. */
  const instructions = read('Dockerfile')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(Boolean);
  const fromContext = instructions
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));

  test('every file that it copies is there, and let through by .dockerignore', () => {
    const [everything, ...rules] = read('.dockerignore')
      .replace(/^#.*\n/gm, '')
      .split('\n')
      .filter(Boolean);
    expect(everything).toBe('*');
    const letIn = rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1));
    const leftOut = rules.filter((rule) => !rule.startsWith('!')).map((rule) => rule.replace(/\*.*$/, ''));
    expect(fromContext.length).toBeGreaterThan(6);
    for (const path of fromContext) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(letIn, path).toContain(path.split('/')[0]);
      expect(
        leftOut.filter((start) => start !== '' && path.startsWith(start)),
        path,
      ).toEqual([]);
    }
  });

  test('two stages of one Debian, Node 24, a user that is not root, a process 1 that takes in orphans', () => {
    const stages = instructions.filter((line) => line.startsWith('FROM '));
    expect(stages).toEqual(['FROM node:24-bookworm AS build', 'FROM node:24-bookworm-slim']);
    const last = (name: string) => instructions.findLast((line) => line.startsWith(`${name} `));
    expect(last('USER')).toBe('USER 10001:10001');
    expect(last('ENTRYPOINT')).toBe('ENTRYPOINT ["tini", "--"]');
    expect(last('CMD')).toBe('CMD ["node", "src/index.ts"]');
  });

  test('programs that manifests and compose start are in the image, under the user that they say', () => {
    const copied = instructions.filter((line) => line.includes('--from=build')).map((line) => line.split(/\s+/).at(-2));
    for (const workload of workloads(overlay('prod')).filter((w) => w.metadata.name !== 'lianmai-redis')) {
      expect(podOf(workload).securityContext.runAsUser).toBe(10001);
      const words = containersOf(workload).flatMap((c) => (c.args ?? []).join(' ').split(' '));
      for (const file of words.filter((word) => word.endsWith('.ts'))) {
        expect(existsSync(join(ROOT, file)), file).toBe(true);
        expect(copied).toContain(`/app/${file.split('/')[0]}`);
      }
    }
  });
});

describe('compose.yaml', () => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Fields> };
  const lianmai = Object.entries(services).filter(([, service]) => service.image === 'lianmai:dev');

  /** As Compose does it: `${NAME:-default}`, and `${NAME:?message}` for what must be given. */
  const filledIn = (environment: Record<string, string>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replace(/\$\{\w+(?::-([^}]*)|:\?[^}]*)\}/g, (_, fallback?: string) => fallback ?? 's'.repeat(32)),
      ]),
    );

  test('one of each role, with settings that the code takes', () => {
    const roles = lianmai.map(([name, service]) => {
      const config = parseConfig([], filledIn(service.environment));
      return [name, config.role, config.deliveryOrigin];
    });
    expect(roles).toEqual([
      ['sfu', 'sfu', ''],
      ['compositor', 'compositor', ''],
      ['delivery', 'delivery', ''],
      ['edge', 'delivery', 'redis'],
    ]);
    expect(services.redis).toBeDefined();
  });

  test('URLs in settings name services; media addresses are the ones that the network gives', () => {
    for (const [, service] of lianmai) {
      const values = Object.entries<string>(service.environment);
      for (const [, value] of values.filter(([name]) => /URL/.test(name)))
        expect(Object.keys(services)).toContain(new URL(value).hostname);
      const media = service.environment.LIANMAI_MEDIA_HOST;
      expect(service.networks.lianmai?.ipv4_address).toBe(media);
    }
  });

  test('ports for each of LIANMAI_SFU_WORKERS; secrets come from the environment; grace as on Kubernetes', () => {
    const sfu = services.sfu!;
    const last = 40000 + Number(sfu.environment.LIANMAI_SFU_WORKERS) - 1;
    expect(sfu.ports).toEqual(['udp', 'tcp'].map((protocol) => `40000-${last}:40000-${last}/${protocol}`));
    const grace = podOf(named(overlay('prod'), 'StatefulSet', 'lianmai-sfu')).terminationGracePeriodSeconds;
    for (const [, service] of lianmai) {
      expect(service.environment[variableOf('secret')]).toMatch(/^\$\{LIANMAI_SECRET:\?/);
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], stop_grace_period: `${grace}s` });
    }
    expect(services.redis!.command.join(' ')).toContain('REDIS_PASSWORD:?');
  });
});
