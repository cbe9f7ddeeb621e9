import { expect, test } from 'vitest';
import { between, jumpFrom, readPeaks, silences, type Peaks } from './peaks';

/** Builds AMXP bytes of 8 kHz with buckets of 40 frames (5 ms) from RMS values per channel. */
function made(channels: number[][], head: Partial<{ magic: string; version: number; rate: number; bucket: number }> = {}): ArrayBuffer {
  const buckets = channels[0]?.length ?? 0, view = new DataView(new ArrayBuffer(24 + buckets * channels.length * 6));
  [...(head.magic ?? 'AMXP')].forEach((c, i) => view.setUint8(i, c.charCodeAt(0)));
  view.setUint8(4, head.version ?? 1);
  view.setUint8(5, channels.length);
  view.setUint32(8, head.rate ?? 8000, true);
  view.setUint32(12, head.bucket ?? 40, true);
  view.setBigUint64(16, BigInt(buckets * 40), true);
  channels.forEach((values, c) => values.forEach((rms, b) => {
    const at = 24 + (b * channels.length + c) * 6;
    view.setInt16(at, -rms, true);
    view.setInt16(at + 2, rms, true);
    view.setUint16(at + 4, rms, true);
  }));
  return view.buffer as ArrayBuffer;
}
const read = (channels: number[][]): Peaks => { const p = readPeaks(made(channels)); if (!p) throw new Error('no peaks'); return p; };
const stretch = (...parts: [loud: number, buckets: number][]) => parts.flatMap(([loud, n]) => Array<number>(n).fill(loud));

test('what was written is read', () => {
  const p = read([[100, 200], [300, 400]]);
  expect([p.buckets, p.bucket_s, p.length_s]).toEqual([2, 0.005, 0.01]);
  expect([...(p.channels[1]?.rms ?? [])]).toEqual([300, 400]);
  expect([...(p.channels[0]?.min ?? [])]).toEqual([-100, -200]);
});
test.each([{ magic: 'RIFF' }, { version: 2 }, { rate: 0 }, { bucket: 0 }])('%o are no peaks', (head) => { expect(readPeaks(made([[1]], head))).toBeNull(); });
test('too few bytes are no peaks', () => { expect(readPeaks(new ArrayBuffer(3))).toBeNull(); });
test('a torn last bucket is left out', () => { expect(readPeaks(made([[1, 2, 3]]).slice(0, -2))?.buckets).toBe(2); });
test('a column shows the loudest of what it covers', () => { expect(between(read([[100, 16384, 5]]), 0, 0, 0.015)).toEqual({ min: -0.5, max: 0.5, rms: 0.5 }); });
test('a column narrower than a bucket still shows it', () => { expect(between(read([[16384]]), 0, 0.001, 0.0011).max).toBe(0.5); });

test('silence is where both legs are quiet', () => {
  const near = stretch([9000, 200], [3, 400], [9000, 200]), far = stretch([3, 800]);
  expect(silences(read([near, far]))).toEqual([{ from_s: 1.2, to_s: 2.8 }]);
  expect(silences(read([near, stretch([9000, 800])]))).toEqual([]);
});
test('a short pause is no silence', () => { expect(silences(read([stretch([9000, 200], [3, 200], [9000, 200])]))).toEqual([]); });
test('silence at both ends is whole', () => { expect(silences(read([stretch([3, 400], [9000, 10], [3, 400])]))).toEqual([{ from_s: 0, to_s: 1.8 }, { from_s: 2.25, to_s: 4.05 }]); });
test('a jump leads to the end of the silence, and never twice', () => {
  const found = [{ from_s: 1, to_s: 3 }];
  expect(jumpFrom(1.5, found)).toBe(3);
  expect(jumpFrom(0.9, found)).toBeNull();
  expect(jumpFrom(3, found)).toBeNull();
  expect(jumpFrom(2.95, found)).toBeNull();
});
