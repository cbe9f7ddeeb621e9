// What really comes out of the loudspeaker: everything that a page connects to its output is also collected, and compared with the source.

/** Goes into the page before anything else: tees the output of every AudioContext into `window.__heard`. */
export function tee() {
  const connect = AudioNode.prototype.connect, recorders = new WeakMap();
  window.__heard = { rate: 0, left: [], right: [] };
  AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      let recorder = recorders.get(this.context);
      if (!recorder) {
        recorder = this.context.createScriptProcessor(16384, 2, 2);
        recorder.onaudioprocess = (e) => {
          const heard = window.__heard;
          heard.rate = e.inputBuffer.sampleRate;
          if (heard.left.length < heard.rate * 60) { heard.left.push(...e.inputBuffer.getChannelData(0)); heard.right.push(...e.inputBuffer.getChannelData(1)); }
        };
        connect.call(recorder, this.context.destination);
        recorders.set(this.context, recorder);
      }
      connect.call(this, recorder);
    }
    return connect.call(this, to, ...more);
  };
}

/** Takes what was heard since the last time, at 8,000 frames a second. */
export async function heard(page) {
  const all = await page.evaluate(() => {
    const { rate, left, right } = window.__heard, step = rate / 8000, thin = (of) => {
      const out = [];
      // The mean of what falls together: no more than a voice needs.
      for (let at = 0; at + step <= of.length; at += step) { let sum = 0, n = 0; for (let i = Math.floor(at); i < at + step && i < of.length; i++) { sum += of[i]; n++; } out.push(Math.round((sum / n) * 32768)); }
      return out;
    };
    window.__heard = { rate: 0, left: [], right: [] };
    return rate ? { left: thin(left), right: thin(right) } : { left: [], right: [] };
  });
  return { left: Float32Array.from(all.left), right: Float32Array.from(all.right) };
}

/** Loudness of what was heard: root of the mean square, 0 to 32,768. */
export const loudness = (of) => Math.sqrt(of.reduce((sum, v) => sum + v * v, 0) / Math.max(1, of.length));

/** Reads PCM16 WAV into channels. */
export function readWav(bytes) {
  const view = Buffer.from(bytes);
  if (view.toString('latin1', 0, 4) !== 'RIFF') throw new Error('the server did not send a WAV file');
  let at = 12, channels = 0, rate = 0;
  while (at + 8 <= view.length) {
    const name = view.toString('latin1', at, at + 4), size = view.readUInt32LE(at + 4);
    if (name === 'fmt ') { channels = view.readUInt16LE(at + 10); rate = view.readUInt32LE(at + 12); }
    if (name === 'data') {
      const frames = Math.floor(Math.min(size, view.length - at - 8) / (2 * channels));
      const of = Array.from({ length: channels }, () => new Float32Array(frames));
      for (let f = 0; f < frames; f++) for (let c = 0; c < channels; c++) of[c][f] = view.readInt16LE(at + 8 + (f * channels + c) * 2);
      return { rate, channels: of };
    }
    at += 8 + size + (size & 1);
  }
  throw new Error('the WAV file has no sound in it');
}

/**
 * Finds where a stretch of what was heard lies in the source, and how alike they are (1: the same but for loudness).
 * Looks first at envelopes of 5 ms, then at samples around the best places.
 */
export function correlation(source, sound, rate_ratio = 1) {
  const from = rate_ratio === 1 ? source : Float32Array.from({ length: Math.floor(source.length / rate_ratio) }, (_, i) => source[Math.floor(i * rate_ratio)]);
  // The loudest second of what was heard.
  const second = 8000;
  let best = 0, loud = -1;
  for (let at = 0; at + second <= sound.length; at += 800) { const of = loudness(sound.subarray(at, at + second)); if (of > loud) { loud = of; best = at; } }
  const piece = sound.subarray(best, best + second);
  if (piece.length < second || loud < 20) return 0;
  const alike = (at, step) => {
    let ab = 0, aa = 0, bb = 0;
    for (let i = 0; i < second; i += step) { const a = piece[i], b = from[at + i] ?? 0; ab += a * b; aa += a * a; bb += b * b; }
    return aa && bb ? ab / Math.sqrt(aa * bb) : 0;
  };
  const envelope = (of) => Float32Array.from({ length: Math.floor(of.length / 40) }, (_, i) => loudness(of.subarray(i * 40, i * 40 + 40)));
  const big = envelope(from), small = envelope(piece), places = [];
  for (let at = 0; at + small.length <= big.length; at++) {
    let ab = 0, aa = 0, bb = 0;
    for (let i = 0; i < small.length; i++) { ab += small[i] * big[at + i]; aa += small[i] ** 2; bb += big[at + i] ** 2; }
    places.push([bb ? ab / Math.sqrt(aa * bb) : 0, at]);
  }
  places.sort((a, b) => b[0] - a[0]);
  let most = 0;
  for (const [, at] of places.slice(0, 40)) for (let shift = -80; shift <= 80; shift++) { const start = at * 40 + shift; if (start >= 0 && start + second <= from.length) most = Math.max(most, Math.abs(alike(start, 1))); }
  return most;
}
