/** Defines the few media-chrome elements that the player uses, fit for our content security policy and languages. */
import 'media-chrome/dist/media-controller.js';
import 'media-chrome/dist/media-control-bar.js';
import 'media-chrome/dist/media-fullscreen-button.js';
import 'media-chrome/dist/media-mute-button.js';
import 'media-chrome/dist/media-pip-button.js';
import 'media-chrome/dist/media-play-button.js';
import 'media-chrome/dist/media-volume-range.js';
import 'media-chrome/dist/lang/zh-CN.js';
import { useStrictStyles } from './strictStyles.ts';

useStrictStyles([
  'media-controller',
  'media-gesture-receiver',
  'media-control-bar',
  'media-tooltip',
  'media-play-button',
  'media-mute-button',
  'media-volume-range',
  'media-pip-button',
  'media-fullscreen-button',
]);
