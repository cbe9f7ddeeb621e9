// Finds elements as a person names them. The function goes into the page as its text, so it leans on nothing outside itself.

/** Returns the elements that the steps lead to: css, role and name, text, one of them, or those of another way. */
export function inPage(steps) {
  const folded = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
  const fits = (text, { source, flags, text: wanted, exact }) => {
    if (source !== undefined) return new RegExp(source, flags).test(folded(text));
    return exact ? folded(text) === folded(wanted) : folded(text).toLowerCase().includes(folded(wanted).toLowerCase());
  };
  const ROLES = {
    button: 'button, [role=button], input[type=submit]', link: 'a[href], [role=link]', heading: 'h1, h2, h3, h4, [role=heading]', alert: '[role=alert]',
    textbox: 'input:not([type]), input[type=text], input[type=search], textarea', complementary: 'aside, [role=complementary]', dialog: 'dialog, [role=dialog]',
  };
  const named = (e) => {
    const by = e.getAttribute('aria-labelledby');
    if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(' ');
    return e.getAttribute('aria-label') || (e.labels?.length ? [...e.labels].map((l) => l.textContent).join(' ') : '') || e.textContent || e.title;
  };
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('[aria-hidden="true"]');
  const within = (roots, css) => [...new Set(roots.flatMap((r) => [...r.querySelectorAll(css)]))];
  let found = [document];
  for (const step of steps) {
    if (step.css) found = within(found, step.css);
    else if (step.role) found = within(found, ROLES[step.role]).filter((e) => seen(e) && (!step.name || fits(named(e), step.name)));
    else if (step.hasText) found = found.filter((e) => fits(e.textContent, step.hasText));
    // The innermost elements that hold the text.
    else if (step.text) found = within(found, '*').filter((e) => !/^(SCRIPT|STYLE|TITLE|OPTION)$/.test(e.tagName) && fits(e.textContent, step.text) && ![...e.children].some((c) => fits(c.textContent, step.text)));
    else if (step.or) found = [...new Set([...found, ...inPage(step.or)])].sort((a, b) => (a.compareDocumentPosition(b) & 4 ? -1 : 1));
    else if (step.nth !== undefined) found = found.slice(step.nth, step.nth === -1 ? undefined : step.nth + 1);
  }
  return found;
}
