import { AV_LOG_QUIET, Log } from 'node-av';

/** FFmpeg's libraries write to stderr past our log; what fails they tell us by their return codes. */
export function quietFfmpeg(): void {
  Log.setLevel(AV_LOG_QUIET);
}
