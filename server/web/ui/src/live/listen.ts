// Listening to a call that is still going on: WebSocket in, AudioWorklet out. Made by a click only, since browsers allow sound only then.
// One at a time; closing it lets go of the socket, the sound and what was buffered.

export type Hearing = {
  state: 'connecting' | 'buffering' | 'playing' | 'ended' | 'failed';
  /** Position in the recording of what is heard now. */
  at_s: number; behind_s: number; underruns: number; why: string;
};

/** How long the first piece is held back: pieces of a tenth of a second, as they come while somebody listens, are then a third of one old. */
const HOLD_S = 0.2;

export class Listen {
  private context: AudioContext | null = null;
  private socket: WebSocket | null = null;
  private node: AudioWorkletNode | null = null;
  private hearing: Hearing = { state: 'connecting', at_s: 0, behind_s: 0, underruns: 0, why: '' };
  private began_s = 0;
  private waiting: ArrayBuffer[] = [];

  constructor(socket: () => WebSocket, private readonly changed: (hearing: Hearing) => void) {
    // The context is made inside the click; everything after may take its time.
    this.context = new AudioContext({ latencyHint: 'interactive' });
    void this.begin(socket);
  }

  private async begin(open: () => WebSocket): Promise<void> {
    const context = this.context;
    if (!context) return;
    try {
      await Promise.all([context.audioWorklet.addModule('/live-worklet.js'), context.resume()]);
    } catch (error) {
      this.fail(String(error));
      return;
    }
    if (this.context !== context) return;
    const socket = open();
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === 'string') this.word(data); else this.piece(data);
    };
    socket.onclose = (e) => { if (this.hearing.state !== 'ended') this.fail(e.reason || String(e.code)); };
    socket.onerror = () => { this.fail(''); };
  }

  private word(text: string): void {
    const context = this.context;
    let said: Record<string, unknown>;
    try { said = JSON.parse(text) as Record<string, unknown>; } catch { return; }
    if ('end' in said) {
      this.change({ state: 'ended', why: typeof said.end === 'string' ? said.end : '' });
      this.socket?.close();
      return;
    }
    const rate_hz = Number(said.rate_hz), channels = Number(said.channels);
    if (!context || this.node || !(rate_hz >= 4000 && rate_hz <= 192_000) || !(channels >= 1 && channels <= 2)) return;
    this.began_s = Number(said.at_ms ?? 0) / 1000;
    this.node = new AudioWorkletNode(context, 'live-sound', { numberOfInputs: 0, outputChannelCount: [2], processorOptions: { rate_hz, channels, hold_s: HOLD_S } });
    this.node.port.onmessage = ({ data }: MessageEvent<{ queued_s: number; played_s: number; underruns: number; playing: boolean }>) => {
      if (this.hearing.state === 'failed' || (this.hearing.state === 'ended' && !data.playing)) return;
      this.change({ state: this.hearing.state === 'ended' ? 'ended' : data.playing ? 'playing' : 'buffering', at_s: this.began_s + data.played_s, behind_s: data.queued_s, underruns: data.underruns });
    };
    this.node.connect(context.destination);
    for (const piece of this.waiting.splice(0)) this.piece(piece);
    this.change({ state: 'buffering' });
  }

  private piece(data: ArrayBuffer): void {
    if (this.node) this.node.port.postMessage(data, [data]);
    else if (this.waiting.length < 500) this.waiting.push(data);
  }

  private fail(why: string): void {
    if (this.hearing.state === 'failed' || !this.context) return;
    this.change({ state: 'failed', why });
    this.close();
  }

  private change(to: Partial<Hearing>): void {
    this.hearing = { ...this.hearing, ...to };
    this.changed(this.hearing);
  }

  close(): void {
    const { context, socket, node } = this;
    this.context = this.socket = this.node = null;
    this.waiting = [];
    if (socket) { socket.onmessage = socket.onclose = socket.onerror = null; socket.close(); }
    if (node) { node.port.onmessage = null; node.disconnect(); }
    if (context && context.state !== 'closed') void context.close();
  }
}
