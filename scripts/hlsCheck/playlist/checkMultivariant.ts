/** What a multivariant playlist's text must keep. Pure. */
import type { Attributes } from '../parse/attributes.ts';
import type { MediaRendition, MultivariantPlaylist } from '../parse/playlist.ts';
import type { Report } from '../rules/Findings.ts';

const GROUPS = { AUDIO: 'AUDIO', VIDEO: 'VIDEO', SUBTITLES: 'SUBTITLES', 'CLOSED-CAPTIONS': 'CLOSED-CAPTIONS' };
/** High Profile (ISO/IEC 14496-10 annex A), and Level 5.2 as a `level_idc`. */
const HIGH_PROFILE = 100;
const LEVEL_5_2 = 52;
const MOST_FPS = 60;
/** Aspect ratios of sizes in whole, even pixels agree within this share. */
const ASPECT_TOLERANCE = 0.02;

export const isVideoCodec = (codec: string): boolean => /^(avc|hvc|hev|dvh|vp0|av01)/.test(codec);
export const codecsOf = (attributes: Attributes): string[] => attributes.get('CODECS')?.split(',') ?? [];

export function checkMultivariant(playlist: MultivariantPlaylist, report: Report): void {
  const { variants, renditions } = playlist;
  if (variants.length === 0) report('variant-there', 'none');
  for (const { attributes, line } of variants) checkVariant(attributes, line, playlist, report);
  const captionless = variants.filter(({ attributes }) => attributes.get('CLOSED-CAPTIONS') === 'NONE').length;
  if (captionless !== 0 && captionless !== variants.length)
    report('captions-all', `${captionless} of ${variants.length}`);
  const scored = variants.filter(({ attributes }) => attributes.has('SCORE')).length;
  if (scored !== 0 && scored !== variants.length) report('score-all', `${scored} of ${variants.length}`);
  for (const { attributes, line } of renditions) checkRendition(attributes, line, report);
  checkGroups(renditions, report);
  if (!playlist.independent) report('variants-independent', 'it is not');
  const aspects = variants.flatMap(({ attributes }) => {
    const [width = 0, height = 0] = attributes.get('RESOLUTION')?.split('x').map(Number) ?? [];
    return width > 0 && height > 0 ? [width / height] : [];
  });
  if (Math.max(...aspects) > Math.min(...aspects) * (1 + ASPECT_TOLERANCE))
    report('aspect-same', aspects.map((a) => a.toFixed(3)).join(', '));
}

function checkVariant(attributes: Attributes, line: number, playlist: MultivariantPlaylist, report: Report): void {
  const codecs = codecsOf(attributes);
  const video = codecs.length === 0 || codecs.some(isVideoCodec);
  if (codecs.length === 0) report('variant-codecs', 'none', line);
  if (video && !attributes.has('RESOLUTION')) report('variant-resolution', 'none', line);
  const rate = attributes.get('FRAME-RATE');
  if (video && rate === undefined) report('variant-frame-rate', 'none', line);
  if (rate !== undefined && !/^\d+\.\d{3}$/.test(rate)) report('frame-rate-form', rate, line);
  if (Number(rate) > MOST_FPS) report('frame-rate-most', String(rate), line);
  const average = attributes.get('AVERAGE-BANDWIDTH');
  if (average === undefined) report('variant-average', 'none', line);
  else if (Number(average) > Number(attributes.get('BANDWIDTH')))
    report('bandwidth-order', `BANDWIDTH ${attributes.get('BANDWIDTH')}, AVERAGE-BANDWIDTH ${average}`, line);
  for (const codec of codecs) checkH264(codec, line, report);
  for (const [name, type] of Object.entries(GROUPS)) {
    const group = attributes.get(name);
    if (group === undefined || (name === 'CLOSED-CAPTIONS' && group === 'NONE')) continue;
    const there = playlist.renditions.some(
      ({ attributes: a }) => a.get('TYPE') === type && a.get('GROUP-ID') === group,
    );
    if (!there) report('group-there', `${name}="${group}"`, line);
  }
}

function checkH264(codec: string, line: number, report: Report): void {
  const [, profile, level] = /^avc[13]\.([0-9a-fA-F]{2})[0-9a-fA-F]{2}([0-9a-fA-F]{2})$/.exec(codec) ?? [];
  if (profile === undefined || level === undefined) return;
  if (Number.parseInt(profile, 16) > HIGH_PROFILE || Number.parseInt(level, 16) > LEVEL_5_2)
    report('codecs-h264', codec, line);
}

function checkRendition(attributes: Attributes, line: number, report: Report): void {
  const type = attributes.get('TYPE');
  const uri = attributes.has('URI');
  if ((type === 'SUBTITLES' && !uri) || (type === 'CLOSED-CAPTIONS' && uri)) report('media-uri', `${type}`, line);
  if (type !== 'VIDEO' && !attributes.has('LANGUAGE')) report('media-language', `${attributes.get('NAME')}`, line);
  if (type === 'AUDIO' && !attributes.has('CHANNELS')) report('media-channels', `${attributes.get('NAME')}`, line);
  const audioOnly = ['CHANNELS', 'BIT-DEPTH', 'SAMPLE-RATE'].filter((name) => attributes.has(name));
  if (type !== 'AUDIO' && audioOnly.length > 0) report('media-audio-only', audioOnly.join(', '), line);
  if (attributes.get('DEFAULT') === 'YES' && attributes.get('AUTOSELECT') === 'NO')
    report('group-autoselect', `${attributes.get('NAME')}`, line);
}

function checkGroups(renditions: readonly MediaRendition[], report: Report): void {
  const groups = Map.groupBy(renditions, ({ attributes: a }) => `${a.get('TYPE')} "${a.get('GROUP-ID')}"`);
  for (const [group, members] of groups) {
    const names = members.map(({ attributes }) => attributes.get('NAME'));
    if (new Set(names).size < names.length) report('group-names', group, members[0]?.line);
    if (members.filter(({ attributes }) => attributes.get('DEFAULT') === 'YES').length > 1)
      report('group-default', group, members[0]?.line);
  }
}
