// The address that is shown now. Pages read `route.now` and change it by `go`; links are plain <a href>.
import { readAddress, type Address } from './address';

class Route {
  now: Address = $state.raw(readAddress(location));

  /** Goes to a path of the console. `replace` leaves no step for the back button: for typing, scrolling, playing. */
  go(path: string, replace = false): void {
    if (path !== location.pathname + location.search + location.hash) history[replace ? 'replaceState' : 'pushState'](null, '', path);
    this.now = readAddress(location);
  }

  /** Follows the back button and plain clicks on links of the console; returns what ends it. */
  follow(): () => void {
    const back = () => { this.now = readAddress(location); };
    const click = (e: MouseEvent) => {
      if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
      const link = (e.target as Element | null)?.closest?.('a');
      if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin || link.pathname.startsWith('/api/')) return;
      e.preventDefault();
      this.go(link.pathname + link.search + link.hash);
    };
    addEventListener('popstate', back);
    addEventListener('hashchange', back);
    document.addEventListener('click', click);
    return () => { removeEventListener('popstate', back); removeEventListener('hashchange', back); document.removeEventListener('click', click); };
  }
}

export const route = new Route();
