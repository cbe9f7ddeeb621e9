// The waveform's peaks as the server sends them (`AMXP`, little-endian): minimum, maximum and RMS of every stretch of each channel.
// | offset | bytes | field |
// | 0 | 4 | `AMXP` | 4 | 1 | version, 1 | 5 | 1 | channels | 6 | 2 | 0 | 8 | 4 | frames a second | 12 | 4 | frames in a bucket | 16 | 8 | frames in all |
// | 24 | 6 each | buckets in order, the channels of one side by side: minimum i16, maximum i16, RMS u16 |

export type Channel = { min: Int16Array; max: Int16Array; rms: Uint16Array };
export type Peaks = { channels: Channel[]; buckets: number; bucket_s: number; length_s: number };

const HEAD = 24, BUCKET = 6;

/** Reads peaks; null when they are none of a version known here. */
export function readPeaks(bytes: ArrayBuffer): Peaks | null {
  const view = new DataView(bytes);
  if (bytes.byteLength < HEAD || view.getUint32(0, false) !== 0x414d5850 || view.getUint8(4) !== 1) return null;
  const count = view.getUint8(5), rate = view.getUint32(8, true), frames_in_bucket = view.getUint32(12, true);
  if (count < 1 || count > 2 || rate === 0 || frames_in_bucket === 0) return null;
  const frames = Number(view.getBigUint64(16, true));
  const buckets = Math.floor((bytes.byteLength - HEAD) / (BUCKET * count));
  const channels = Array.from({ length: count }, (_, c): Channel => {
    const channel = { min: new Int16Array(buckets), max: new Int16Array(buckets), rms: new Uint16Array(buckets) };
    for (let b = 0; b < buckets; b++) {
      const at = HEAD + (b * count + c) * BUCKET;
      channel.min[b] = view.getInt16(at, true);
      channel.max[b] = view.getInt16(at + 2, true);
      channel.rms[b] = view.getUint16(at + 4, true);
    }
    return channel;
  });
  return { channels, buckets, bucket_s: frames_in_bucket / rate, length_s: frames / rate };
}

/** Returns smallest, greatest and loudest RMS of a channel between two moments, as parts of full scale. */
export function between(peaks: Peaks, channel: number, from_s: number, to_s: number): { min: number; max: number; rms: number } {
  const of = peaks.channels[channel];
  const first = Math.max(0, Math.floor(from_s / peaks.bucket_s)), last = Math.min(peaks.buckets, Math.max(first + 1, Math.ceil(to_s / peaks.bucket_s)));
  let min = 0, max = 0, rms = 0;
  for (let b = first; of && b < last; b++) {
    min = Math.min(min, of.min[b] ?? 0);
    max = Math.max(max, of.max[b] ?? 0);
    rms = Math.max(rms, of.rms[b] ?? 0);
  }
  return { min: min / 32768, max: max / 32768, rms: rms / 32768 };
}

export type Stretch = { from_s: number; to_s: number };

/** Finds where no leg says anything: quieter than `floor_dbfs` for at least `least_s`. `margin_s` stays at both ends, so that no syllable is cut. */
export function silences(peaks: Peaks, floor_dbfs = -48, least_s = 1.2, margin_s = 0.2): Stretch[] {
  const floor = 32768 * 10 ** (floor_dbfs / 20);
  const found: Stretch[] = [];
  let begun = -1;
  for (let b = 0; b <= peaks.buckets; b++) {
    const quiet = b < peaks.buckets && peaks.channels.every((c) => (c.rms[b] ?? 0) < floor);
    if (quiet && begun < 0) begun = b;
    if (!quiet && begun >= 0) {
      const from_s = begun * peaks.bucket_s + (begun === 0 ? 0 : margin_s), to_s = Math.min(peaks.length_s, b * peaks.bucket_s) - (b >= peaks.buckets ? 0 : margin_s);
      if (to_s - from_s >= least_s) found.push({ from_s, to_s });
      begun = -1;
    }
  }
  return found;
}

/** Returns where to jump from inside a silence, or null. The last few hundredths are played, so that a jump never lands in the same silence. */
export function jumpFrom(at_s: number, found: Stretch[]): number | null {
  const inside = found.find((s) => at_s >= s.from_s && at_s < s.to_s - 0.08);
  return inside ? inside.to_s : null;
}
