import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { isTyping, keysOn } from '../shared/keysSwitch.ts';
import { loadLater } from './later.ts';
import { toggleCaptions } from './player/captionChoice.ts';
import type { WatchRoom } from './WatchRoom.ts';

/**
 * Keys that work wherever the focus is not in a control, unless somebody has turned them off: Space or k plays and pauses, m mutes, f is full
 * screen, l goes to the live edge, c turns captions on and off, ? shows the list of them. Inside the player media-chrome has the same keys
 * itself; only l, c and ? are ours there too. Answers whether the list is on show.
 */
export function usePageKeys(frame: RefObject<HTMLElement | null>, watch: WatchRoom): Signal<boolean> {
  const help = useSignal(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !keysOn()) return;
      const inPlayer = event.target instanceof Node && (frame.current?.contains(event.target) ?? false);
      const inControl = event.target instanceof Element && event.target.closest('button, a, input, select, textarea');
      if (event.key === 'l' && (inPlayer || !inControl)) return watch.seekToLive();
      if (event.key === 'c' && (inPlayer || !inControl)) return toggleCaptions(watch.engine.value);
      if ((event.key === '?' || event.key === '？') && !isTyping(event.target)) {
        help.value = true;
        return void loadLater();
      }
      if (inPlayer || inControl) return;
      const request = REQUESTS[event.key];
      if (!request) return;
      event.preventDefault();
      frame.current?.dispatchEvent(new CustomEvent(request(frame.current), { bubbles: true, composed: true }));
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [watch]);
  return help;
}

type Request = (frame: HTMLElement) => string;
const playOrPause: Request = (frame) => (frame.hasAttribute('mediapaused') ? 'mediaplayrequest' : 'mediapauserequest');

/** media-chrome's request events (media-chrome/dist/constants.js, MediaUIEvents). */
const REQUESTS: Record<string, Request> = {
  ' ': playOrPause,
  k: playOrPause,
  m: (frame) =>
    frame.getAttribute('mediavolumelevel') === 'off' || frame.hasAttribute('mediamuted')
      ? 'mediaunmuterequest'
      : 'mediamuterequest',
  f: (frame) =>
    frame.hasAttribute('mediaisfullscreen') ? 'mediaexitfullscreenrequest' : 'mediaenterfullscreenrequest',
};
