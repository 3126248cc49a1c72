import type { Layout, Scene } from '../../../../src/contracts/scene.ts';
import type { PeerInfo } from '../../../../src/contracts/signaling.ts';
import { arrange } from '../../../../src/layout/tiles.ts';
import { hueOf, initials } from '../../../shared/format.ts';
import { t } from '../../../shared/language.ts';
import type { SceneEdit } from '../../session/SceneEditor.ts';
import { LayoutSettings } from './LayoutSettings.tsx';
import { choicesFor, isGhost, preview } from './previews.ts';
import { Check } from './SceneFields.tsx';

interface Props {
  scene: Scene;
  peers: readonly PeerInfo[];
  /** Of the program, pixels. */
  size: { width: number; height: number };
  edit: (edit: SceneEdit) => void;
}

/** The layouts as they would look with the people who are here. Radio buttons: arrow keys choose. */
export function LayoutPicker({ scene, peers, size, edit }: Props) {
  return (
    <fieldset class="scene-group">
      <legend>{t('scene.layout')}</legend>
      <div class="layouts">
        {choicesFor(scene.layout).map((layout) => (
          <label key={layout.type} class="layout-choice" data-testid={`layout-${layout.type}`}>
            <input
              type="radio"
              name="scene-layout"
              class="visually-hidden"
              checked={layout.type === scene.layout.type}
              onChange={() => edit((was) => ({ ...was, layout }))}
            />
            <Preview scene={scene} layout={layout} peers={peers} size={size} />
            <span>{t(`scene.layout.${layout.type}`)}</span>
          </label>
        ))}
      </div>
      <LayoutSettings layout={scene.layout} edit={edit} />
      {scene.layout.type === 'custom' || scene.layout.type === 'spotlight' || scene.layout.type === 'screen' ? null : (
        <Check
          testId="auto-screen"
          label={t('scene.autoScreen')}
          checked={scene.autoScreen}
          onChange={(autoScreen) => edit((was) => ({ ...was, autoScreen }))}
        />
      )}
    </fieldset>
  );
}

function Preview({ scene, layout, peers, size: { width, height } }: Omit<Props, 'edit'> & { layout: Layout }) {
  const tiles = arrange(preview(scene, layout, peers), width, height);
  const line = Math.min(width, height) / 90;
  return (
    <svg class="layout-preview" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <rect class="ground" width={width} height={height} />
      {tiles.map(({ key, peer, name, source, cell, radius }) => (
        <g key={key} class={isGhost(peer) ? 'ghost' : ''} style={{ '--hue': hueOf(name) }}>
          <rect
            x={cell.x + line}
            y={cell.y + line}
            width={Math.max(1, cell.width - 2 * line)}
            height={Math.max(1, cell.height - 2 * line)}
            rx={Math.max(radius, 2 * line)}
            class={source?.endsWith('.screen') ? 'screen' : ''}
          />
          {isGhost(peer) ? null : (
            <text
              x={cell.x + cell.width / 2}
              y={cell.y + cell.height / 2}
              font-size={Math.min(cell.width, cell.height) / 2.4}
            >
              {initials(name)}
            </text>
          )}
        </g>
      ))}
    </svg>
  );
}
