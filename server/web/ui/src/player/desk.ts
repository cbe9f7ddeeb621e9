// Volume of each leg and balance, on the sound of a media element: splitter, a gain a leg, a panner a leg. Made on the first click, since browsers
// allow sound only then; closed at sign-out, after which it holds nothing.

export type Mix = { near: number; far: number; /** -1 left to 1 right. */ balance: number; /** Both legs in the middle, for one ear or a loudspeaker. */ middle: boolean };
export const PLAIN: Mix = { near: 1, far: 1, balance: 0, middle: false };

/** Returns where a leg stands between the ears, -1 to 1. */
export function panOf(mix: Mix, channel: number, channels: number): number {
  const own = mix.middle || channels < 2 ? 0 : channel === 0 ? -1 : 1;
  return Math.max(-1, Math.min(1, own + mix.balance));
}

export class Desk {
  private readonly context: AudioContext;
  private readonly gains: GainNode[] = [];
  private readonly panners: StereoPannerNode[] = [];

  constructor(element: HTMLMediaElement, channels: number) {
    this.context = new AudioContext();
    const source = this.context.createMediaElementSource(element);
    const splitter = this.context.createChannelSplitter(2);
    source.connect(splitter);
    for (let c = 0; c < (channels > 1 ? 2 : 1); c++) {
      const gain = this.context.createGain(), panner = this.context.createStereoPanner();
      splitter.connect(gain, c).connect(panner).connect(this.context.destination);
      this.gains.push(gain);
      this.panners.push(panner);
    }
  }

  set(mix: Mix): void {
    const levels = [mix.near, mix.far];
    this.gains.forEach((gain, c) => { gain.gain.value = levels[c] ?? 1; });
    this.panners.forEach((panner, c) => { panner.pan.value = panOf(mix, c, this.panners.length); });
  }

  wake(): Promise<void> { return this.context.state === 'suspended' ? this.context.resume() : Promise.resolve(); }
  close(): void { if (this.context.state !== 'closed') void this.context.close(); }
}
