// Which rows of a very long list are in view. Browsers cap an element's height (Chromium 33.5 M px, Firefox 17.9 M px), so beyond
// `MAX_PX` the scroll position is scaled: one pixel of the scroll bar then stands for several rows.

export const MAX_PX = 8_000_000;

export type Window = { first: number; count: number; offset_px: number; height_px: number };

/** Height of the element that makes the scroll bar. */
export const heightOf = (total: number, row_px: number): number => Math.min(total * row_px, MAX_PX);

/** Returns the rows to draw at a scroll position, and where the first one stands inside the view. */
export function windowAt(scroll_px: number, view_px: number, total: number, row_px: number, extra = 6): Window {
  const height_px = heightOf(total, row_px);
  const real_px = total * row_px;
  const reach = Math.max(0, height_px - view_px);
  const at = Math.min(Math.max(0, scroll_px), reach);
  const real_at = real_px <= MAX_PX ? at : (at / Math.max(1, reach)) * (real_px - view_px);
  const top = Math.floor(real_at / row_px);
  const first = Math.max(0, top - extra);
  const count = Math.max(0, Math.min(total - first, Math.ceil(view_px / row_px) + 1 + (top - first) + extra));
  return { first, count, offset_px: first * row_px - real_at, height_px };
}

/** Returns the scroll position that brings a row into view, or null when it is there already. `head_px` lies over the top of the view. */
export function scrollTo(row: number, scroll_px: number, view_px: number, total: number, row_px: number): number | null {
  const real_px = total * row_px;
  const height_px = heightOf(total, row_px);
  const reach = Math.max(0, height_px - view_px);
  const scale = real_px <= MAX_PX ? 1 : reach / Math.max(1, real_px - view_px);
  const real_at = Math.min(Math.max(0, scroll_px), reach) / (scale || 1);
  const top = row * row_px;
  if (top >= real_at - 0.5 && top + row_px <= real_at + view_px + 0.5) return null;
  const wanted = top < real_at ? top : top + row_px - view_px;
  const made = Math.min(Math.max(0, wanted), Math.max(0, real_px - view_px)) * scale;
  return top < real_at ? Math.floor(made) : Math.min(reach, Math.ceil(made));
}
