import type { HTMLAttributes } from 'preact';

type Plain = HTMLAttributes<HTMLElement>;

declare module 'preact' {
  /** Understood by media-controller on whatever lies in its slots: it stays when the controls hide. */
  interface ClassAttributes<T> {
    noautohide?: boolean;
  }

  namespace JSX {
    interface IntrinsicElements {
      'media-controller': Plain & {
        defaultstreamtype?: string;
        hotkeys?: string;
        autohide?: string;
        lang?: string;
        nomutedpref?: boolean;
        novolumepref?: boolean;
        gesturesdisabled?: boolean;
        keyboardcontrol?: boolean;
      };
      'media-control-bar': Plain;
      'media-play-button': Plain & { notooltip?: boolean };
      'media-mute-button': Plain & { notooltip?: boolean };
      'media-volume-range': Plain;
      'media-pip-button': Plain & { notooltip?: boolean };
      'media-fullscreen-button': Plain & { notooltip?: boolean };
    }
  }
}
