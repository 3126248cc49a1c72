import { describe, expect, test } from 'vitest';
import { AppError } from '../../../../src/contracts/errors.ts';
import { parseDestination, withoutSecrets } from '../../../../src/delivery/destinations/destinationUrl.ts';

describe('what is taken', () => {
  test.each([
    [
      'rtmp://a.rtmp.youtube.com/live2/abcd-efgh',
      'a.rtmp.youtube.com',
      1935,
      'live2',
      'abcd-efgh',
      'rtmp://a.rtmp.youtube.com/live2',
    ],
    [
      'rtmps://live-api-s.facebook.com:443/rtmp/FB-1?s_bl=1&s_psm=1',
      'live-api-s.facebook.com',
      443,
      'rtmp',
      'FB-1?s_bl=1&s_psm=1',
      'rtmps://live-api-s.facebook.com/rtmp',
    ],
    ['RTMP://Host:1936/app/instance/key', 'Host', 1936, 'app/instance', 'key', 'rtmp://Host:1936/app/instance'],
    ['rtmp://host/app?token=a/key', 'host', 1935, 'app?token=a', 'key', 'rtmp://host/app'],
    ['rtmp://[2001:db8::1]:1935/app/key#x', '2001:db8::1', 1935, 'app', 'key#x', 'rtmp://[2001:db8::1]/app'],
  ])('%s', (url, host, port, app, key, target) => {
    expect(parseDestination(url)).toMatchObject({ host, port, app, key, target });
  });

  test('srt', () => {
    const url = 'srt://host:9000?streamid=publish%3Alive%2Fa&passphrase=0123456789&latency=200&mode=caller&pbkeylen=32';
    const parsed = parseDestination(url);
    expect(parsed).toMatchObject({ scheme: 'srt', host: 'host', port: 9000, target: 'srt://host:9000' });
    expect(parsed.srt).toEqual({ streamid: 'publish:live/a', passphrase: '0123456789', latencyMs: 200, pbkeylen: 32 });
  });
});

describe('what is refused', () => {
  test.each([
    ['file:///etc/passwd'],
    ['http://host/app/key'],
    ['tee:rtmp://a/b/c'],
    ['concat:a|b'],
    ['-rtmp://host/app/key'],
    ['rtmp://-host/app/key'],
    ['rtmp://host/app/key|rtmp://other/app/key'],
    ['rtmp://host/app/key live=1'],
    ['rtmp://host/app/key\nrtmp_listen=1'],
    ['rtmp://host/app/key\u0000'],
    ['rtmp://host/app/"key"'],
    ["rtmp://host/app/'key'"],
    ['rtmp://host/app/key\\'],
    ['rtmp://user:secret@host/app/key'],
    ['rtmp://host:0/app/key'],
    ['rtmp://host:99999/app/key'],
    ['rtmp://host/app'],
    ['rtmp://host/app/?key'],
    ['rtmp://host/'],
    ['rtmp:///app/key'],
    ['rtmp://host/äpp/key'],
    [`rtmp://host/app/${'k'.repeat(1000)}`],
    ['srt://host'],
    ['srt://host:9000/path'],
    ['srt://host:9000?mode=listener'],
    ['srt://host:9000?localport=1'],
    ['srt://host:9000?passphrase=short'],
    ['srt://host:9000?streamid=a%0Ab=c'],
    ['srt://host:9000?latency=99999999'],
    ['srt://host:9000?pbkeylen=7'],
    ['srt://host:9000?streamid=a&streamid=b'],
    ['srt://host:9000?mode=caller#x'],
  ])('%j', (url) => {
    let refusal: unknown;
    try {
      parseDestination(url);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(AppError);
    expect((refusal as AppError).code).toBe('destination-refused');
    expect((refusal as AppError).message).not.toContain('secret');
  });
});

test('secrets are found in all their forms, and taken out of a text', () => {
  const { secrets } = parseDestination('rtmp://host/app/KEY-1234?token=abcdef');
  expect(withoutSecrets('publish KEY-1234?token=abcdef; KEY-1234; token=abcdef', secrets)).toBe(
    'publish [secret]; [secret]; [secret]',
  );
  const srt = parseDestination('srt://host:1?streamid=pub%3Akey&passphrase=0123456789');
  expect(withoutSecrets('pub:key pub%3Akey 0123456789', srt.secrets)).not.toMatch(/key|0123/);
});
