// ear.mjs - plays what a WebSocket brought through the console's own AudioWorklet, and tells when bursts leave it. For sound.py.
// Takes {rate_hz, channels, pieces: [[seconds, base64], ..]} on standard input; gives {heard: [seconds, ..], underruns}. The clock is
// the number of blocks given out, so this takes no longer than it must.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = join(dirname(fileURLToPath(import.meta.url)), '../../server/web/ui');
const hold_s = Number(/HOLD_S = ([\d.]+)/.exec(readFileSync(join(ui, 'src/live/listen.ts'), 'utf8'))[1]);
const { rate_hz, channels, pieces } = JSON.parse(readFileSync(0, 'utf8'));
const sampleRate = 48_000, told = { underruns: 0 };
let Made;
class Base { port = { postMessage: (said) => Object.assign(told, said) }; }
new Function('AudioWorkletProcessor', 'registerProcessor', 'sampleRate', readFileSync(join(ui, 'public/live-worklet.js'), 'utf8'))(Base, (_, made) => { Made = made; }, sampleRate);
const ear = new Made({ processorOptions: { rate_hz, channels, hold_s } });
const heard = [];
let loud_s = -10, next = 0;
for (let block = 0; (block * 128) / sampleRate < pieces.at(-1)[0] + 2; block++) {
  const now_s = (block * 128) / sampleRate;
  for (; next < pieces.length && pieces[next][0] <= now_s; next++) {
    const octets = Buffer.from(pieces[next][1], 'base64');
    ear.port.onmessage({ data: octets.buffer.slice(octets.byteOffset, octets.byteOffset + octets.length) });
  }
  const out = [new Float32Array(128), new Float32Array(128)];
  ear.process([], [out]);
  if (out[0].some((sample) => Math.abs(sample) > 0.12)) {
    if (now_s - loud_s > 0.6) heard.push(now_s);
    loud_s = now_s;
  }
}
console.log(JSON.stringify({ heard, underruns: told.underruns }));
