// The page Keeping as an administrator walks it: a rule that needs another person, a hold, an order that is taken back. Part of console.mjs.

export async function keeping({ p, step, must, until, shot, axed, api, folder, BASE }) {
  const button = (name) => p.getByRole('button', { name, exact: true });

  await step('keeping: every call is kept for ever, until somebody proposes a rule and sees what it would do', async () => {
    await p.goto(`${BASE}/keeping`);
    await p.getByText('every call is kept for ever').waitFor();
    await shot(p, folder, 'keeping-none');
    await axed('keeping, no rule');
    await button('Add a class').click();
    await p.fill('#k-name', 'Dealing');
    await p.fill('#k-min', '0');
    await p.fill('#k-max', '1');
    await p.fill('#k-ext', '3***');
    await button('See what it would do').click();
    await p.getByText(/Extension 3\*\*\*: no least time, destroyed after 1 day/).first().waitFor();
    await p.getByText(/It would let \d+ recordings go|It lets no recording go/).first().waitFor();
    await shot(p, folder, 'keeping-preview');
    await axed('keeping, preview');
    await button('Propose the change').click();
    await p.getByText('Another administrator must confirm it', { exact: true }).waitFor();
    must((await button('Confirm').count()) === 0, 'the person who proposed may confirm');
    const told = (await api('/keeping')).body;
    must(told.classes.length === 0 && told.changes[0].state === 'proposed', `it is in force: ${JSON.stringify(told.changes)}`);
    await shot(p, folder, 'keeping-waits');
    await axed('keeping, a change waits');
    await button('Cancel the change').click();
    await until('it is cancelled', async () => (await p.locator('[data-change]').count()) === 0);
  });

  await step('keeping: keeping longer is in force at once, and is a plain sentence', async () => {
    await button('Add a class').click();
    await p.fill('#k-name', 'Everything');
    await p.fill('#k-min', '1827');
    await p.fill('#k-max', '');
    await button('See what it would do').click();
    await button('Propose the change').click();
    await p.getByText('Every call: at least 5 years, never destroyed.').first().waitFor();
  });

  await step('keeping: calls are held by a condition, and released with a reason', async () => {
    await button('Place a hold').click();
    must(await button('Hold these calls').isDisabled(), 'no condition at all holds everything without a word');
    await p.fill('#h-ext', '3***, 200-219');
    await p.fill('#h-reason', 'Case 12/26');
    await p.fill('#h-owner', 'The lawyers');
    await p.fill('#h-review', '2027-01-31');
    await button('Count what it covers').click();
    await p.getByText(/It covers \d+ recordings that are there, and all to come/).waitFor();
    await button('Hold these calls').click();
    const hold = p.locator('[data-hold]');
    await hold.getByText('To be asked about on 2027-01-31').waitFor();
    await shot(p, folder, 'keeping-held');
    await axed('keeping, held');
    await hold.getByRole('button', { name: 'Release the hold' }).click();
    await p.fill('#hold-why', 'Settled');
    await hold.getByRole('button', { name: 'Release the hold' }).click();
    await p.getByText('1 released hold').click();
    await p.getByText(/Released by .*: Settled/).waitFor();
  });

  await step('keeping: destroying asks for the name and for another person, and is taken back', async () => {
    const id = (await api('/recordings?limit=1')).body.recordings[0].id;
    await button('Destroy something').click();
    await p.selectOption('#e-kind', 'recording');
    await p.fill('#e-rec', id);
    await p.fill('#e-reason', 'Order of the court');
    await p.getByLabel(/By order, whatever retention says/).check();
    must(await button('Order the destruction').isDisabled(), 'nothing was typed');
    await p.fill('#e-typed', id);
    await shot(p, folder, 'keeping-destroy');
    await axed('keeping, about to destroy');
    await button('Order the destruction').click();
    const row = p.locator('[data-destruction]').first();
    await row.getByText('waits for another administrator').waitFor();
    must((await row.getByRole('button', { name: 'Confirm and destroy' }).count()) === 0, 'the person who ordered may confirm');
    await shot(p, folder, 'keeping-ordered');
    await axed('keeping, ordered');
    await row.getByRole('button', { name: 'Take it back' }).click();
    await row.getByText('cancelled').waitFor();
    const acts = (await api('/audit?act=shred-order')).body.entries;
    must(acts.length === 1, `the audit log says ${JSON.stringify(acts)}`);
  });
}
