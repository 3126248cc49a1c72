import { expect, test } from 'vitest';
import { advertisedUrl } from '../../../src/directory/advertisedUrl.ts';

test.each([
  ['10.0.0.5', '', 'http://10.0.0.5:8081'],
  ['fd00::5', '', 'http://[fd00::5]:8081'],
  ['0.0.0.0', '', 'http://10.0.0.7:8081'],
  ['::', '', 'http://10.0.0.7:8081'],
  ['0.0.0.0', 'https://node-1.example/', 'https://node-1.example'],
])('listening on %s, with LIANMAI_INTERNAL_URL "%s": others reach it at %s', (address, configured, expected) => {
  expect(advertisedUrl({ address, port: 8081 }, { configured, mediaHost: '10.0.0.7' })).toBe(expected);
});
