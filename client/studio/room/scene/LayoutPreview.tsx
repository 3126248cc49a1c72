import { useEffect, useRef } from 'preact/hooks';
import type { LivePreviews } from './LivePreviews.ts';
import type { PreviewSpec } from './paintPreview.ts';

interface Props {
  previews: LivePreviews;
  spec: PreviewSpec;
}

/** A layout with the people who are here; its name stands beside it. */
export function LayoutPreview({ previews, spec }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    previews.add(element);
    return () => previews.remove(element);
  }, [previews]);
  useEffect(() => {
    if (canvas.current) previews.show(canvas.current, spec);
  });
  const { width, height } = spec.size;
  return (
    <span aria-hidden="true">
      <canvas ref={canvas} class="layout-preview" width={width / 10} height={height / 10} />
    </span>
  );
}
