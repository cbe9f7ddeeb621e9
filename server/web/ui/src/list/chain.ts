// A very long list that can only be read page by page: every page knows the cursor of the next (keyset paging, never an offset).
//
// Keeps the pages near the view and only the cursors of the rest, so that a list of millions costs kilobytes. A page that was let go is
// read again by its cursor. One request runs at a time; a new search aborts the old one's.

export type Page<R> = { rows: R[]; next: string | null };
export type Load<R> = (after: string | null, signal: AbortSignal) => Promise<Page<R>>;
type Slot<R> = { after: string | null; first: number; length: number; rows: R[] | null };

export class Chain<R> {
  private slots: Slot<R>[] = [];
  private end = false;
  private working: Promise<void> | null = null;
  private readonly stop = new AbortController();
  private wanted: [first: number, last: number] = [0, 0];

  constructor(private readonly load: Load<R>, private readonly changed: () => void, private readonly pages_max = 12) {}

  /** Rows whose page was read at least once. */
  get known(): number { const last = this.slots.at(-1); return last ? last.first + last.length : 0; }
  /** True when no page follows the known ones. */
  get complete(): boolean { return this.end; }

  row(index: number): R | undefined {
    const slot = this.slots[this.slotOf(index)];
    return slot?.rows?.[index - slot.first];
  }

  /** Finds a row that is in memory; -1 when there is none. */
  find(is: (row: R) => boolean): number {
    for (const slot of this.slots) { const at = slot.rows?.findIndex(is) ?? -1; if (at >= 0) return slot.first + at; }
    return -1;
  }

  /** Replaces a row in memory, after it was changed. */
  put(index: number, row: R): void {
    const slot = this.slots[this.slotOf(index)];
    if (slot?.rows && index - slot.first < slot.rows.length) { slot.rows[index - slot.first] = row; this.changed(); }
  }

  /** Reads what is needed to show rows `first` to `last`; rows beyond the end are read up to the end. */
  want(first: number, last: number): Promise<void> {
    this.wanted = [first, last];
    if (this.working) return this.working;
    if (!this.missing()) return Promise.resolve();
    const work = this.work().finally(() => { if (this.working === work) this.working = null; });
    return (this.working = work);
  }

  close(): void { this.stop.abort(); }

  private async work(): Promise<void> {
    for (;;) {
      const next = this.missing();
      // At once: whoever wishes for more as soon as they hear of this page must not be taken for one who is served already.
      if (!next) { this.working = null; return; }
      const page = await this.load(next.after, this.stop.signal);
      if (this.stop.signal.aborted) return;
      this.take(next, page);
      this.changed();
    }
  }

  private missing(): Slot<R> | null {
    const [first, last] = this.wanted;
    for (const slot of this.slots) if (!slot.rows && slot.first <= last && slot.first + slot.length > first) return slot;
    if (this.end || (this.slots.length > 0 && this.known > last)) return null;
    return { after: this.nextAfter, first: this.known, length: 0, rows: null };
  }

  private nextAfter: string | null = null;

  private take(slot: Slot<R>, page: Page<R>): void {
    if (this.slots.includes(slot)) {
      // Rows may have come or gone since; the place of the later pages was told and stays.
      slot.rows = page.rows.slice(0, slot.length);
    } else {
      slot.rows = page.rows;
      slot.length = page.rows.length;
      if (slot.length > 0) this.slots.push(slot);
      this.nextAfter = page.next;
      this.end = page.next === null || page.rows.length === 0;
    }
    this.forget();
  }

  private forget(): void {
    const kept = this.slots.filter((s) => s.rows);
    if (kept.length <= this.pages_max) return;
    const middle = (this.wanted[0] + this.wanted[1]) / 2;
    kept.sort((a, b) => Math.abs(b.first + b.length / 2 - middle) - Math.abs(a.first + a.length / 2 - middle));
    for (const slot of kept.slice(0, kept.length - this.pages_max)) slot.rows = null;
  }

  private slotOf(index: number): number {
    let low = 0, high = this.slots.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.slots[middle]?.first ?? 0) <= index) low = middle; else high = middle - 1;
    }
    return low;
  }
}
