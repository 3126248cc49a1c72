/**
 * What the people of docs/layouts.md send: drawn heads and shoulders in rooms of their own, and a shared screen. In: a seat; out: a
 * picture as a decoder gives it, the same each time. Next: render.ts.
 */
import type { SKRSContext2D } from '@napi-rs/canvas';
import { AV_PIX_FMT_YUV420P, FFmpegError, Frame } from 'node-av';
import { planesOf } from '../../compositor/compose/Canvas.ts';
import { drawnSprite } from '../../compositor/compose/sprites.ts';
import { fontOf, measure } from '../../compositor/compose/text.ts';
import type { Picture } from '../../compositor/decode/VideoDecoder.ts';

const CAMERA = { width: 640, height: 360 };
/** One of the people holds a phone upright. */
const PHONE = { width: 360, height: 640 };
const PHONE_SEAT = 3;
const SCREEN = { width: 1280, height: 720 };

const SKINS = ['#f1c9a5', '#8d5a3a', '#e0ac7e', '#c68a5c', '#f6d7c0', '#5f3b28'] as const;
const HAIRS = ['#3a2a22', '#151515', '#b98b4a', '#7a3b22', '#8c8c92', '#2b2b3a'] as const;

const of = <T>(list: readonly [T, ...T[]], i: number): T => list[i % list.length] ?? list[0];

function pictureOf(width: number, height: number, paint: (context: SKRSContext2D) => void): Picture {
  const sprite = drawnSprite(width, height, paint);
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUV420P;
  FFmpegError.throwIfError(frame.getBuffer(), 'picture');
  const [planes, strides] = planesOf(frame);
  for (const i of [0, 1, 2] as const) {
    const [columns, rows] = i === 0 ? [width, height] : [width / 2, height / 2];
    for (let y = 0; y < rows; y++) {
      const from = y * sprite.strides[i];
      sprite.planes[i].copy(planes[i], y * strides[i], from, from + columns);
    }
  }
  return { frame, width, height, playoutMs: 0 };
}

/** The camera of whoever has this seat. The picture's frame is the caller's to free. */
export function cameraPicture(seat: number): Picture {
  const { width, height } = seat === PHONE_SEAT ? PHONE : CAMERA;
  return pictureOf(width, height, (context) => {
    paintRoom(context, seat, width, height);
    paintPerson(context, seat, width, height);
  });
}

/** A wall in a hue that is the seat's own, with a window, shelves or pictures. */
function paintRoom(context: SKRSContext2D, seat: number, width: number, height: number): void {
  const hue = (seat * 137.5 + 200) % 360;
  const wall = context.createLinearGradient(0, 0, width, height);
  wall.addColorStop(0, `hsl(${hue} 34% 74%)`);
  wall.addColorStop(1, `hsl(${hue} 36% 50%)`);
  context.fillStyle = wall;
  context.fillRect(0, 0, width, height);
  const unit = Math.min(width, height) / 12;
  if (seat % 3 === 0) {
    // A window with a cross.
    context.fillStyle = '#eaf6ff';
    context.fillRect(unit, unit, unit * 4, unit * 5);
    context.fillStyle = `hsl(${hue} 20% 34%)`;
    context.fillRect(unit * 2.85, unit, unit * 0.3, unit * 5);
    context.fillRect(unit, unit * 3.3, unit * 4, unit * 0.3);
  } else if (seat % 3 === 1) {
    // Shelves with the backs of books.
    for (let row = 0; row < 2; row++) {
      const y = unit * (1.2 + row * 3);
      for (let book = 0; book < 9; book++) {
        const tall = unit * (1.5 + ((book * 7 + row * 3 + seat) % 5) * 0.15);
        context.fillStyle = `hsl(${(hue + book * 47 + row * 90) % 360} 48% 44%)`;
        context.fillRect(width - unit * 5.4 + book * unit * 0.5, y + unit * 2.1 - tall, unit * 0.42, tall);
      }
      context.fillStyle = '#6b4a31';
      context.fillRect(width - unit * 5.6, y + unit * 2.1, unit * 5, unit * 0.22);
    }
  } else {
    for (let i = 0; i < 2; i++) {
      context.fillStyle = '#f7f4ec';
      context.fillRect(unit * (1 + i * (width / unit - 5)), unit * 1.4, unit * 3, unit * 3.6);
      context.fillStyle = `hsl(${(hue + 150 + i * 60) % 360} 55% 48%)`;
      context.fillRect(unit * (1.4 + i * (width / unit - 5)), unit * 1.8, unit * 2.2, unit * 2.8);
    }
  }
}

function paintPerson(context: SKRSContext2D, seat: number, width: number, height: number): void {
  const unit = Math.min(width, height) / 12;
  const [x, y] = [width / 2, height * 0.44];
  const skin = of(SKINS, seat);
  const hair = of(HAIRS, seat * 5 + 1);
  const ellipse = (cx: number, cy: number, rx: number, ry: number, color: string) => {
    context.fillStyle = color;
    context.beginPath();
    context.ellipse(cx, cy, rx, ry, 0, 0, Math.PI * 2);
    context.fill();
  };
  const long = seat % 2 === 0;
  if (long) ellipse(x, y + unit * 0.6, unit * 2.5, unit * 3.6, hair);
  context.fillStyle = `hsl(${(seat * 61 + 20) % 360} 52% 36%)`;
  context.beginPath();
  context.roundRect(x - unit * 4.4, y + unit * 3.2, unit * 8.8, height, unit * 2.6);
  context.fill();
  context.fillStyle = skin;
  context.beginPath();
  context.roundRect(x - unit * 0.85, y + unit * 1.6, unit * 1.7, unit * 2.5, unit * 0.8);
  context.fill();
  ellipse(x, y, unit * 1.95, unit * 2.55, skin);
  context.fillStyle = hair;
  context.beginPath();
  context.ellipse(x, y - unit * 0.75, unit * 2.12, unit * 2.1, 0, Math.PI, Math.PI * 2);
  context.fill();
  for (const side of [-1, 1]) {
    ellipse(x + side * unit * 0.75, y + unit * 0.05, unit * 0.3, unit * 0.2, '#ffffff');
    ellipse(x + side * unit * 0.75, y + unit * 0.05, unit * 0.14, unit * 0.17, '#22201e');
  }
  context.strokeStyle = '#a1453f';
  context.lineWidth = unit * 0.2;
  context.lineCap = 'round';
  context.beginPath();
  context.arc(x, y + unit * 0.75, unit * 0.75, Math.PI * 0.15, Math.PI * 0.85);
  context.stroke();
}

/** A slide with a heading, lines and bars. */
export const screenPicture = (): Picture =>
  pictureOf(SCREEN.width, SCREEN.height, (context) => {
    const { width, height } = SCREEN;
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, width, height);
    context.fillStyle = '#1f4fd8';
    context.fillRect(0, 0, width, 18);
    const heading = 'Listeners in each city';
    measure(heading, 60, 600);
    context.font = fontOf(60, 600);
    context.fillStyle = '#18223c';
    context.fillText(heading, 80, 128);
    ['Hangzhou 杭州', 'Amman عمّان', 'São Paulo', 'Αθήνα'].forEach((city, i) => {
      const y = 230 + i * 112;
      measure(city, 36, 400);
      context.font = fontOf(36, 400);
      context.fillStyle = '#38445f';
      context.fillText(city, 80, y + 42);
      context.fillStyle = ['#1f4fd8', '#d83a8c', '#1c9b6c', '#e08a1e'][i] ?? '#000000';
      context.fillRect(420, y, 740 - i * 150, 58);
    });
  });
