// Whether rows are drawn now or a little later. Scrolling that leaves some of them in view is always drawn. Who draws the bar through a
// million rows sees other rows in each frame and can read none: they are drawn as soon as the hand rests, and a few times a second on the
// way if they are there, so that one sees where one is. Nothing is asked of the server on the way.

/** A jump so soon after another belongs to it: three frames. Pages that come one after another by the End key are further apart. */
const TOGETHER_MS = 50;
/** A hand that did not move for so long rests. */
const REST_MS = 90;
/** On the way rows are shown so often. */
const GLIMPSE_MS = 250;

export class Pace {
  private jumped_ms = -Infinity;
  private drawn_ms = -Infinity;
  private later: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly rest: () => void) {}

  /** Tells whether to draw at `now_ms`; if not, `rest` is called when the hand rests. `near`: some of the rows stand there; `there`: they are known. */
  allows(near: boolean, there: boolean, now_ms: number): boolean {
    clearTimeout(this.later);
    const goes_on = now_ms - this.jumped_ms < TOGETHER_MS, glimpse = there && now_ms - this.drawn_ms >= GLIMPSE_MS;
    if (!near) this.jumped_ms = now_ms;
    if (!near && goes_on && !glimpse) {
      this.later = setTimeout(this.rest, REST_MS);
      return false;
    }
    this.drawn_ms = now_ms;
    return true;
  }

  close(): void { clearTimeout(this.later); }
}
