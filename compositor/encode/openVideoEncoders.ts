/**
 * The video encoders of a program. Which codec they use is decided here, once for all renditions and, by the first compositor of a
 * broadcast, for all that follow: they are told, and must not choose, since another encoder makes other init segments.
 */
import type { Logger } from '../../src/common/logger.ts';
import type { Grid } from '../../src/contracts/grid.ts';
import type { EncoderSettings, Job, VideoRendition } from '../../src/contracts/job.ts';
import { VideoEncoder } from './VideoEncoder.ts';

export interface OpenedEncoders {
  /** As given, but for the codec. */
  settings: EncoderSettings;
  /** In the order of the renditions. */
  encoders: VideoEncoder[];
}

/** Throws when the codec cannot be opened and libx264 may not stand in for it. */
export async function openVideoEncoders(
  renditions: readonly VideoRendition[],
  { grid, encoder: settings }: Pick<Job, 'grid' | 'encoder'>,
  logger: Logger,
): Promise<OpenedEncoders> {
  const { codec } = settings;
  try {
    return { settings, encoders: await openAll(renditions, grid, settings) };
  } catch (error) {
    if (codec === 'libx264') throw error;
    if (!settings.fallback)
      throw new Error(`the broadcast is encoded with ${codec}, which cannot be opened here`, { cause: error });
    logger.warn({ err: error, codec }, 'the video encoder cannot be opened here; libx264 stands in for it');
    const instead = { ...settings, codec: 'libx264' as const };
    return { settings: instead, encoders: await openAll(renditions, grid, instead) };
  }
}

async function openAll(
  renditions: readonly VideoRendition[],
  grid: Grid,
  settings: EncoderSettings,
): Promise<VideoEncoder[]> {
  const opened: VideoEncoder[] = [];
  try {
    for (const rendition of renditions) opened.push(await VideoEncoder.create(rendition, grid, settings));
    return opened;
  } catch (error) {
    for (const encoder of opened) encoder.close();
    throw error;
  }
}
