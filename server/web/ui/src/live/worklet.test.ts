// Runs the worklet itself, as the browser gets it, with a loudspeaker made of arrays.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Message = { queued_s: number; played_s: number; underruns: number; playing: boolean };
type Processor = { port: { onmessage: (e: { data: ArrayBuffer }) => void; postMessage: (m: Message) => void }; process(inputs: unknown, outputs: Float32Array[][]): boolean };

function made(rate_hz: number, channels: number, hold_s: number, sampleRate = 48_000) {
  let Made: (new (o: unknown) => Processor) | null = null;
  class Base { port = { onmessage: () => undefined, postMessage: (m: Message) => { told.push(m); } }; }
  const told: Message[] = [];
  new Function('AudioWorkletProcessor', 'registerProcessor', 'sampleRate', readFileSync('public/live-worklet.js', 'utf8'))(Base, (_: string, C: typeof Made) => { Made = C; }, sampleRate);
  const p = new Made!({ processorOptions: { rate_hz, channels, hold_s } });
  return {
    told,
    give: (...samples: number[]) => { p.port.onmessage({ data: new Int16Array(samples).buffer as ArrayBuffer }); },
    hear(seconds: number): Float32Array[] {
      const blocks = Math.round((seconds * sampleRate) / 128), all = [new Float32Array(blocks * 128), new Float32Array(blocks * 128)];
      for (let b = 0; b < blocks; b++) {
        const out = [new Float32Array(128), new Float32Array(128)];
        p.process([], [out]);
        out.forEach((o, c) => { all[c]!.set(o, b * 128); });
      }
      return all;
    },
  };
}
const tone = (seconds: number, left: number, right: number) => Array.from({ length: seconds * 8000 * 2 }, (_, i) => (i % 2 ? right : left));
const loud = (of: Float32Array) => of.filter((v) => Math.abs(v) > 0.01).length / of.length;

test('nothing comes out before something came in', () => { expect(loud(made(8000, 2, 0.25).hear(1)[0]!)).toBe(0); });
test('sound begins after it was held back, each leg on its own side', () => {
  const p = made(8000, 2, 0.25);
  p.give(...tone(2, 8192, -16384));
  expect(loud(p.hear(0.24)[0]!)).toBe(0);
  const [left, right] = p.hear(1);
  expect(left![24_000]).toBeCloseTo(0.25, 3);
  expect(right![24_000]).toBeCloseTo(-0.5, 3);
});
test('bursts of a second are played without a hole', () => {
  const p = made(8000, 2, 0.25);
  let heard = 0;
  for (let s = 0; s < 6; s++) { p.give(...tone(1, 9000, 9000)); heard += loud(p.hear(1)[0]!); }
  expect(heard).toBeGreaterThan(5.7);
  expect(p.told.at(-1)?.underruns).toBe(0);
});
const EIGHTH = 0.128; // 48 blocks, so that what comes in is what goes out
test('pieces of an eighth of a second are played without a hole, and none waits long', () => {
  const p = made(8000, 2, 0.2);
  let heard = 0;
  for (let n = 0; n < 100; n++) { p.give(...tone(EIGHTH, 9000, 9000)); heard += loud(p.hear(EIGHTH)[0]!); }
  expect(heard).toBeGreaterThan(97);
  expect(p.told.at(-1)).toMatchObject({ underruns: 0, playing: true });
  expect(p.told.at(-1)!.queued_s).toBeLessThan(0.34);
});
test('after a hiccup of the network what is heard is live again within seconds', () => {
  const p = made(8000, 2, 0.2);
  const flow = (seconds: number) => { for (let n = 0; n < seconds / EIGHTH; n++) { p.give(...tone(EIGHTH, 9000, 9000)); p.hear(EIGHTH); } };
  flow(3);
  p.hear(1);
  p.give(...tone(1, 9000, 9000)); // what had been on its way
  flow(1);
  expect(p.told.at(-1)).toMatchObject({ underruns: 1, playing: true });
  expect(p.told.at(-1)!.queued_s).toBeLessThan(0.5); // not the second that came too late
  flow(12);
  expect(p.told.at(-1)).toMatchObject({ underruns: 1, playing: true });
  expect(p.told.at(-1)!.queued_s).toBeLessThan(0.36);
});
test('pieces of 20 ms are played soon after they come', () => {
  const p = made(8000, 2, 0.25);
  for (let n = 0; n < 200; n++) { p.give(...tone(0.02, 9000, 9000)); p.hear(0.02); }
  expect(p.told.at(-1)!.queued_s).toBeLessThan(0.3);
});
test('running dry is counted, and more is held back from then on', () => {
  const p = made(8000, 2, 0.2);
  p.give(...tone(0.5, 9000, 9000));
  p.hear(2);
  expect(p.told.at(-1)).toMatchObject({ underruns: 1, playing: false });
  p.give(...tone(1, 9000, 9000));
  expect(loud(p.hear(0.24)[0]!)).toBe(0);
  expect(loud(p.hear(0.3)[0]!)).toBeGreaterThan(0.8);
});
test('one channel is heard on both sides', () => {
  const p = made(8000, 1, 0.01);
  p.give(...Array<number>(8000).fill(8192));
  const [left, right] = p.hear(0.5);
  expect([left![12_000], right![12_000]].map((v) => Math.round(v! * 100))).toEqual([25, 25]);
});
test('a buffer that stays too full is shortened', () => {
  const p = made(8000, 2, 0.25);
  p.give(...tone(3, 9000, 9000));
  for (let s = 0; s < 25; s++) { p.give(...tone(1, 9000, 9000)); p.hear(1); }
  expect(p.told.at(-1)!.queued_s).toBeLessThan(1.6);
});
