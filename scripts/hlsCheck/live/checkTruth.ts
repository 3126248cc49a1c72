/** What a multivariant playlist says of its media, against what was read of them. Pure. */
import type { Attributes } from '../parse/attributes.ts';
import type { MultivariantPlaylist } from '../parse/playlist.ts';
import { codecsOf } from '../playlist/checkMultivariant.ts';
import type { Report } from '../rules/Findings.ts';
import type { Follower } from './Follower.ts';

/** Apple 1.26 to 1.29. */
const LIVE_PEAK = 1.25;
const LIVE_AVERAGE = 1.1;
const RECORDED = 0.1;
/** Fewer seconds say nothing of an average. */
const LEAST_SECONDS = 10;
/** FRAME-RATE has three decimals. */
const FPS_TOLERANCE = 0.001;

export function checkTruth(
  multivariant: MultivariantPlaylist,
  base: string,
  followers: readonly Follower[],
  report: Report,
): void {
  const followerOf = (uri: string | undefined | null) =>
    uri ? followers.find(({ url }) => url === new URL(uri, base).href) : undefined;
  for (const { uri, attributes, line } of multivariant.variants) {
    const video = followerOf(uri);
    const group = multivariant.renditions.filter(
      ({ attributes: a }) => a.get('TYPE') === 'AUDIO' && a.get('GROUP-ID') === attributes.get('AUDIO'),
    );
    const audios = group.map(({ attributes: a }) => followerOf(a.get('URI'))).filter((f) => f !== undefined);
    if (!video) continue;
    const all = [video, ...audios];
    checkCodecs(attributes, all, line, report);
    checkPicture(attributes, video, line, report);
    checkRates(attributes, video, audios, line, report);
  }
  for (const { attributes, line } of multivariant.renditions) {
    const channels = followerOf(attributes.get('URI'))?.reader.track?.info.channels;
    const said = attributes.get('CHANNELS')?.split('/')[0];
    if (channels && said !== undefined && Number(said) !== channels)
      report('channels-true', `${channels} channels, not ${said}`, line);
  }
}

function checkCodecs(attributes: Attributes, all: readonly Follower[], line: number, report: Report): void {
  const found = all.map(({ reader }) => reader.track?.info.codec).filter((codec) => codec !== undefined);
  const said = codecsOf(attributes);
  const missing = found.filter((codec) => !said.includes(codec));
  const extra = found.length === all.length ? said.filter((codec) => !found.includes(codec)) : [];
  if (missing.length + extra.length > 0)
    report('codecs-true', `'${said.join(',')}', the media are '${found.join(',')}'`, line);
}

function checkPicture(attributes: Attributes, { reader }: Follower, line: number, report: Report): void {
  const { track, fps } = reader;
  if (track?.info.kind !== 'video') return;
  const size = `${track.info.width}x${track.info.height}`;
  const said = attributes.get('RESOLUTION');
  if (said !== undefined && said !== size) report('resolution-true', `${said}, the picture is ${size}`, line);
  const rate = attributes.get('FRAME-RATE');
  if (rate !== undefined && fps !== null && Math.abs(Number(rate) - fps) > FPS_TOLERANCE)
    report('frame-rate-true', `${rate}, the frames are ${fps.toFixed(3)}`, line);
}

function checkRates(
  attributes: Attributes,
  video: Follower,
  audios: readonly Follower[],
  line: number,
  report: Report,
): void {
  const { playlist } = video;
  if (!playlist || video.reader.rates.seconds < Math.min(LEAST_SECONDS, 3 * playlist.target)) return;
  const sum = (of: (follower: Follower) => number) => of(video) + Math.max(0, ...audios.map(of));
  const peak = sum(({ reader }) => reader.rates.peak(playlist.target));
  const average = sum(({ reader }) => reader.rates.average);
  const compare = (rule: 'bandwidth-true' | 'average-true', said: number, measured: number, live: number) => {
    const wrong = playlist.type === 'VOD' ? Math.abs(measured / said - 1) > RECORDED : measured > live * said;
    if (wrong) report(rule, `${said} is said, ${Math.round(measured)} was measured`, line);
  };
  compare('bandwidth-true', Number(attributes.get('BANDWIDTH')), peak, LIVE_PEAK);
  const said = attributes.get('AVERAGE-BANDWIDTH');
  if (said !== undefined) compare('average-true', Number(said), average, LIVE_AVERAGE);
}
