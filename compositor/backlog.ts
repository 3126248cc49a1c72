/** When the program is late: which frames are composed, and which are the last picture again. */

/**
 * A frame this late is the last picture again. Below it the backlog is worked off: a change of layout costs x264 two or three frame
 * periods a frame for a while, and a part that comes a third of a second later is not seen (delivery counts it as late only then, and a
 * player of low latency holds three parts), but a picture left out is.
 */
const MAX_BACKLOG_FRAMES = 9;

/**
 * So many frames in a row are repeated at most: on a machine that is too slow for long the picture moves slowly, and does not
 * stand still. Composing one of eleven costs less than a tenth of what composing all does.
 */
export const MAX_REPEATED_FRAMES = 10;

/** Whether a frame may be composed that is `lagMs` after its time on the grid. */
export const isInTime = (lagMs: number, framePeriodMs: number): boolean => lagMs < MAX_BACKLOG_FRAMES * framePeriodMs;
