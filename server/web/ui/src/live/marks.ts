// Marks made while a call is still going on. The server takes them at once and keeps them for the recording. What it does not take (it
// does not answer, or the call ended a moment ago and its recording is not there yet) is kept here and tried again, until it is written
// or too old; it is gone when the page is closed before.

export type Mark = { id: string; at_ms: number; made_ms: number };

export class Marks {
  private kept: Mark[] = [];
  private working = false;

  constructor(
    private readonly write: (mark: Mark) => Promise<unknown>,
    /** Tells whether a failure means "not yet": the recording is not there so far, or the server does not answer. */
    private readonly notYet: (error: unknown) => boolean,
    private readonly told: { written: (mark: Mark) => void; kept: (mark: Mark) => void; lost: (mark: Mark, error: unknown) => void },
    private readonly age_max_ms = 4 * 3600_000,
  ) {}

  get waiting(): number { return this.kept.length; }

  async add(id: string, at_ms: number, now_ms: number): Promise<void> {
    const mark = { id, at_ms, made_ms: now_ms };
    try {
      await this.write(mark);
      this.told.written(mark);
    } catch (error) {
      if (this.notYet(error)) { this.kept.push(mark); this.told.kept(mark); } else this.told.lost(mark, error);
    }
  }

  /** Tries the kept ones again, oldest first. */
  async again(now_ms: number): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (const mark of [...this.kept]) {
        try {
          await this.write(mark);
          this.drop(mark);
          this.told.written(mark);
        } catch (error) {
          if (this.notYet(error) && now_ms - mark.made_ms < this.age_max_ms) continue;
          if (this.kept.includes(mark)) { this.drop(mark); this.told.lost(mark, error); }
        }
      }
    } finally {
      this.working = false;
    }
  }

  clear(): void { this.kept = []; }
  private drop(mark: Mark): void { this.kept = this.kept.filter((m) => m !== mark); }
}
