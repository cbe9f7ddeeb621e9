// The sound of a running call: takes pieces of PCM16 as they arrive, holds them back a little against jitter, and gives them out evenly.
//
// Pieces come ten times a second, or in bursts of a second; what counts is how late the latest one comes. So playing begins `hold_s` after
// the first piece, and every time the buffer runs dry `hold_s` grows; of what had been on its way meanwhile only the newest is played. What
// was not needed for five seconds is let go, so that live stays live, and then `hold_s` shrinks again.
class LiveSound extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate_hz, channels, hold_s } }) {
    super();
    this.channels = channels;
    this.step = rate_hz / sampleRate;
    this.rate_hz = rate_hz;
    this.hold_s = this.usual_s = hold_s;
    this.pieces = [];
    this.frames = 0; // frames that wait, less those of the first piece already played
    this.at = 0; // place in the first piece, in frames, with fractions
    this.wait = -1; // blocks still to hold back; -1: nothing has come yet
    this.playing = false;
    this.underruns = 0;
    this.played = 0;
    this.blocks = 0;
    this.least = Infinity;
    this.came = 0; // the block in which the latest piece came
    this.gaps = []; // blocks between the last pieces that did not come together
    this.port.onmessage = ({ data }) => this.take(new Int16Array(data));
  }

  take(pcm) {
    if (pcm.length < this.channels) return;
    if (this.blocks - this.came > 2) this.gaps = [...this.gaps.slice(-4), this.blocks - this.came];
    this.came = this.blocks;
    this.pieces.push(pcm);
    this.frames += Math.floor(pcm.length / this.channels);
    if (!this.playing && this.wait < 0) this.wait = Math.ceil((this.hold_s * sampleRate) / 128);
  }

  /** Frames that wait to be played. */
  left() { return this.frames - this.at; }

  skip(frames) {
    this.at += frames;
    while (this.pieces.length && this.at >= this.pieces[0].length / this.channels) {
      const gone = this.pieces.shift().length / this.channels;
      this.at -= gone;
      this.frames -= gone;
    }
  }

  /** How far apart pieces usually come, in seconds: the middle of the last five times, so that one hiccup does not count. */
  every_s() { return (([...this.gaps].sort((a, b) => a - b)[this.gaps.length >> 1] ?? 0) * 128) / sampleRate; }

  /** Lets go of all but the newest. */
  keep(seconds) {
    const spare = this.left() - seconds * this.rate_hz;
    if (spare > 0) this.skip(Math.floor(spare));
  }

  sampleAt(frame, channel) {
    let k = 0;
    while (k < this.pieces.length && frame >= this.pieces[k].length / this.channels) { frame -= this.pieces[k].length / this.channels; k++; }
    return k < this.pieces.length ? this.pieces[k][frame * this.channels + channel] / 32768 : 0;
  }

  process(_inputs, [out]) {
    if (!this.playing && this.wait >= 0 && this.wait-- === 0) {
      this.playing = true;
      this.least = Infinity;
      if (this.underruns) this.keep(this.hold_s + this.every_s() + 0.05);
    }
    if (this.playing) {
      const frames = out[0].length;
      for (let i = 0; i < frames; i++) {
        if (this.left() < 2) {
          // Run dry: hold back more next time.
          this.playing = false;
          this.wait = -1;
          this.underruns++;
          this.hold_s = Math.min(2, this.hold_s * 1.25);
          break;
        }
        const whole = Math.floor(this.at), part = this.at - whole;
        for (let c = 0; c < out.length; c++) {
          const from = Math.min(c, this.channels - 1);
          const a = this.sampleAt(whole, from), b = this.sampleAt(whole + 1, from);
          out[c][i] = a + (b - a) * part;
        }
        this.skip(this.step);
        this.played += this.step;
      }
      this.least = Math.min(this.least, this.left() / this.rate_hz);
    }
    if (++this.blocks % 190 === 0) {
      // About twice a second. What never was needed in five seconds is let go, but for two thirds of the usual hold.
      if (this.blocks % 1900 === 0) {
        const spare = this.least - (this.usual_s * 2) / 3;
        if (this.playing && spare > this.usual_s / 2) {
          this.skip(Math.floor(spare * this.rate_hz));
          this.hold_s = Math.max(this.usual_s, this.hold_s / 1.25);
        }
        this.least = Infinity;
      }
      this.port.postMessage({ queued_s: this.left() / this.rate_hz, played_s: this.played / this.rate_hz, underruns: this.underruns, playing: this.playing });
    }
    return true;
  }
}
registerProcessor('live-sound', LiveSound);
