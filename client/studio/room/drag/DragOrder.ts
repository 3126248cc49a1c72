/**
 * Something of a list is dragged to another place of it: by mouse, finger or pen (Pointer Events, level 2). In: pointer events of the thing,
 * and where the places are. Out: `drag` while it lasts, `onDrop` when it is let go of somewhere else. The thing itself follows the pointer by
 * its `translate`, without any drawing of components; Escape, or a second finger, puts it back.
 */
import { signal } from '@preact/signals';
import type { Cell } from '../../../../src/layout/grid.ts';
import { nearestPlace } from './nearestPlace.ts';

/** A hand that clicks is not quite still, CSS pixels. */
const SLACK = 6;
/** Near the upper and lower edge of what scrolls it scrolls by so much at each move, CSS pixels. */
const EDGE = 40;
const SCROLL_STEP = 12;
/** What a press on is not the beginning of a drag. */
const CONTROLS = 'button, a, input, select, textarea, summary';

export interface DragOrderOptions {
  /** The places in their order, in coordinates of the window, as if nothing were dragged. */
  places: () => readonly Cell[];
  onDrop: (id: string, to: number) => void;
}

export interface Drag {
  id: string;
  from: number;
  to: number;
}

interface Held {
  element: HTMLElement;
  id: string;
  from: number;
  pointer: number;
  x: number;
  y: number;
}

export class DragOrder {
  /** What is on its way, from which place to which; null: nothing. */
  readonly drag = signal<Drag | null>(null);
  readonly #options: DragOrderOptions;
  #held: Held | undefined;

  constructor(options: DragOrderOptions) {
    this.#options = options;
  }

  /** A pointer goes down on `element`, which is the one with this id at this place. */
  press(event: PointerEvent, element: HTMLElement, id: string, from: number): void {
    if (this.#held || event.button !== 0 || !event.isPrimary) return;
    if (event.target instanceof Element && event.target.closest(CONTROLS)) return;
    this.#held = { element, id, from, pointer: event.pointerId, x: event.clientX, y: event.clientY };
    addEventListener('pointermove', this.#move);
    addEventListener('pointerup', this.#up);
    addEventListener('pointercancel', this.close);
    addEventListener('keydown', this.#key, true);
    addEventListener('pointerdown', this.#second);
  }

  /** Puts back what is on its way. Idempotent. */
  readonly close = (): void => {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    removeEventListener('pointermove', this.#move);
    removeEventListener('pointerup', this.#up);
    removeEventListener('pointercancel', this.close);
    removeEventListener('keydown', this.#key, true);
    removeEventListener('pointerdown', this.#second);
    held.element.classList.remove('dragging');
    held.element.style.translate = '';
    this.drag.value = null;
  };

  readonly #move = (event: PointerEvent): void => {
    const held = this.#held;
    if (!held || event.pointerId !== held.pointer) return;
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!this.drag.value) {
      if (Math.hypot(dx, dy) < SLACK) return;
      held.element.classList.add('dragging');
    }
    held.element.style.translate = `${dx}px ${dy}px`;
    scrollNear(held.element, event.clientY);
    const to = nearestPlace(this.#options.places(), event.clientX, event.clientY);
    if (to >= 0 && this.drag.value?.to !== to) this.drag.value = { id: held.id, from: held.from, to };
  };

  readonly #up = (event: PointerEvent): void => {
    if (event.pointerId !== this.#held?.pointer) return;
    const drag = this.drag.value;
    this.close();
    if (!drag) return;
    swallowClick();
    if (drag.to !== drag.from) this.#options.onDrop(drag.id, drag.to);
  };

  readonly #key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !this.drag.value) return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  };

  readonly #second = (event: PointerEvent): void => {
    if (event.pointerId !== this.#held?.pointer) this.close();
  };
}

function scrollNear(element: HTMLElement, y: number): void {
  const scroller = element.closest('.panel');
  if (!scroller) return;
  const { top, bottom } = scroller.getBoundingClientRect();
  if (y < top + EDGE) scroller.scrollBy(0, -SCROLL_STEP);
  else if (y > bottom - EDGE) scroller.scrollBy(0, SCROLL_STEP);
}

/** The click that a browser makes of a drag that ends over the same element; it comes right after, or never. */
function swallowClick(): void {
  const swallow = (event: MouseEvent) => event.stopPropagation();
  addEventListener('click', swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener('click', swallow, true));
}
