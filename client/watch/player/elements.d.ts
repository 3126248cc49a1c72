import type { HTMLAttributes } from 'preact';

type Attributes = HTMLAttributes<HTMLElement>;

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'media-controller': Attributes & {
        defaultstreamtype?: string;
        hotkeys?: string;
        autohide?: string;
        lang?: string;
        nomutedpref?: boolean;
        gesturesdisabled?: boolean;
        keyboardcontrol?: boolean;
      };
      'media-control-bar': Attributes;
      'media-play-button': Attributes & { notooltip?: boolean };
      'media-mute-button': Attributes & { notooltip?: boolean };
      'media-volume-range': Attributes;
      'media-pip-button': Attributes & { notooltip?: boolean };
      'media-fullscreen-button': Attributes & { notooltip?: boolean };
    }
  }
}
