// Satellites as an administrator walks through them: the empty page, a code, a real machine that enrols with it and records, its call on the
// board, heard and found, its settings, its account, its silence, and its end. The "new machine" is a process of this script.
//
//   BASE_URL   https://127.0.0.1:8443, a central without taps
//   LINK       the one-time link of its first administrator
//   AMETHYST   the program
//   DATA       a folder for the satellite, not there yet
//   SHOTS      folder for pictures (optional)
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { axe, must, open, shot, walk } from './lib.mjs';
import { heard, loudness, tee } from './capture.mjs';

const BASE = process.env.BASE_URL, folder = process.env.SHOTS, AMETHYST = process.env.AMETHYST, DATA = process.env.DATA;
const walking = walk('satellites'), { end } = walking;
const faults = [], b = await open(faults, tee), p = b.page;
p.setDefaultTimeout(15_000);
await p.setViewportSize({ width: 1440, height: 900 });

const until = async (what, holds, ms = 15_000) => {
  const by = Date.now() + ms;
  for (;;) { if (await holds()) return; if (Date.now() > by) throw new Error(`not within ${ms / 1000} s: ${what}`); await p.waitForTimeout(100); }
};
const api = (path) => p.evaluate(async (of) => (await fetch(`/api/v1${of}`)).json(), path);
const axed = async (name) => { const found = await axe(p, name); must(found.length === 0, found.join(' || ')); };
/** Pictures as they are seen on a desk by day and by night, and on a telephone; axe judges each. */
async function shots(name) {
  for (const [scheme, width, height] of [['light', 1440, 900], ['dark', 1440, 900], ['light', 360, 780]]) {
    await p.emulateMedia({ colorScheme: scheme });
    await p.setViewportSize({ width, height });
    await p.waitForTimeout(250);
    await shot(p, folder, `${name}-${scheme}-${width}`);
    must(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is wider than a screen of ${width}`);
    await axed(`${name} ${scheme} ${width}`);
  }
  await p.emulateMedia({ colorScheme: 'light' });
  await p.setViewportSize({ width: 1440, height: 900 });
}
const button = (name, of = p) => of.getByRole('button', { name, exact: true });
const card = (name) => p.locator(`section[data-satellite="${name}"]`);
const state = async (name, wanted, ms) => until(`${name} is ${wanted}`, async () => (await card(name).getAttribute('data-state').catch(() => '')) === wanted, ms);

/** The satellite's program, and all that it said. */
let machine = null, said = '';
function run() {
  machine = spawn(AMETHYST, ['satellite', 'run', '--data', DATA], { stdio: ['ignore', 'ignore', 'pipe'] });
  machine.stderr.on('data', (text) => { said += text; });
}
const stop = () => new Promise((over) => { machine.once('exit', over); machine.kill('SIGTERM'); });
process.on('exit', () => machine?.kill('SIGKILL'));

/** Each step stands on the one before: a walk that fails ends there, with a picture of where. */
async function step(name, work) {
  if (await walking.step(name, work)) return;
  await shot(p, folder, 'satellites-failed').catch(() => undefined);
  machine?.kill('SIGKILL');
  console.log(`the page says: ${await p.locator('body').innerText().catch(() => '')}\nthe satellite said: ${said}`);
  await b.close();
  end();
  process.exit();
}

await step('signs in', async () => {
  await p.goto(process.env.LINK);
  await p.fill('#new', 'walk-through a quiet garden 7');
  await p.fill('#again', 'walk-through a quiet garden 7');
  await p.keyboard.press('Enter');
  await p.locator('.frame').waitFor();
  await p.evaluate(() => localStorage.setItem('amethyst.started', 'yes'));
});

await step('the empty page says what a satellite is and how to begin', async () => {
  // A site without a tap leads to the first steps; the keys work there as everywhere.
  await p.getByRole('heading', { name: 'First steps' }).waitFor();
  await p.keyboard.press('g');
  await p.keyboard.press('t');
  await p.getByRole('heading', { name: 'No satellite yet' }).waitFor();
  await p.getByText('It has no key that opens one').waitFor();
  await shots('satellites-none');
});

let command = '';
await step('a code is shown in large type with its command, and counts down', async () => {
  await button('Add a satellite').click();
  await p.fill('#invite-name', 'South branch');
  await p.keyboard.press('Enter');
  await p.getByTestId('code').waitFor();
  const code = (await p.getByTestId('code').textContent()).trim();
  must(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/.test(code), `that is no code: ${code}`);
  const left = async () => /another (1[45]:\d\d)/.exec(await p.getByRole('timer').textContent())?.[1];
  const first = await left();
  must(first, `it does not say how long: ${await p.getByRole('timer').textContent()}`);
  await until('it counts down', async () => (await left()) !== first, 5_000);
  command = await p.locator('#enrol-command').inputValue();
  must(command.includes(code) && command.includes('THIS-SERVER'), `the command is ${command}`);
  must(!JSON.stringify(await api('/satellites')).includes(code), 'the server tells the code a second time');
  await shots('satellites-code');
});

await step('whoever types that command has enrolled, and the page says so', async () => {
  const words = command.replace('THIS-SERVER', '127.0.0.1').replace('/srv/amethyst', DATA).replace('eth1', 'lo').split(' ').slice(1);
  await promisify(execFile)(AMETHYST, words);
  await p.getByText('South branch is enrolled. Its letter is B.').waitFor();
  await shots('satellites-enrolled');
  await p.locator('.invite').getByRole('button', { name: 'Close', exact: true }).click();
  await state('South branch', 'never');
  run();
  await state('South branch', 'connected', 30_000);
  await until('it says that it reads its tap', async () => /lo/.test(await card('South branch').locator('table').textContent().catch(() => '')), 30_000);
});

let call = '';
await step('its call stands on the board under its name, and is heard', async () => {
  await p.goto(`${BASE}/live`);
  const line = p.locator('.board li').filter({ hasText: 'South branch' }).filter({ has: p.getByRole('button', { name: /^Listen/ }) });
  await line.first().waitFor({ timeout: 60_000 });
  must((await p.getByText('No tap is set up').count()) === 0, 'a central with satellites is told that it records nothing');
  await shots('satellites-live');
  await heard(p);
  const hearing = p.getByTestId('hearing'), now = () => hearing.getAttribute('data-state');
  // The youngest call stands last. One that ends in this very moment is no longer to be heard: then the next one is.
  for (let tries = 0; tries < 4; tries++) {
    await line.last().getByRole('button', { name: /^Listen/ }).click();
    await until('the call is heard, or over', async () => ['playing', 'failed', 'ended'].includes(await now()), 20_000);
    if ((await now()) === 'playing') break;
    await button('Stop listening').last().click();
  }
  must((await now()) === 'playing', `no call is heard: ${await hearing.textContent()}`);
  await p.waitForTimeout(3_000);
  const out = await heard(p), loud = Math.max(loudness(out.left), loudness(out.right));
  const behind = /([\d.]+ s held back)/.exec(await hearing.textContent())?.[1] ?? (await hearing.textContent());
  call = await hearing.getAttribute('data-recording');
  await shot(p, folder, 'satellites-listening');
  must(loud > 20, `nothing comes out: loudness ${loud.toFixed(1)} of 32768`);
  await button('Stop listening').last().click();
  return `loudness ${loud.toFixed(0)} of 32768, ${behind}`;
});

await step('when it has ended it is found with the letter of the satellite, and plays', async () => {
  await until('it is in the catalogue', async () => (await api(`/recordings/${call}`)).reference?.startsWith('B'), 90_000);
  await p.goto(`${BASE}/recordings?open=${call}`);
  const reference = (await api(`/recordings/${call}`)).reference;
  await p.getByText(reference).first().waitFor();
  await shot(p, folder, 'satellites-recording');
  const acts = (await api('/audit?act=listen-live')).entries;
  must(acts.length > 0, 'listening is not in the audit log');
  return reference;
});

await step('the page shows how it goes: calls, disk, clock, taps, keys', async () => {
  await p.goto(`${BASE}/satellites`);
  const of = card('South branch');
  await of.waitFor();
  await until('its calls are counted', async () => Number(await of.getByTestId('calls').textContent()) > 0, 40_000);
  const text = await of.textContent();
  for (const word of ['as here', 'free', 'follows those of', 'has keys until', 'renewed by itself']) must(text.includes(word), `${word} is not said: ${text}`);
  await shots('satellites-connected');
});

await step('settings that make no sense are refused with their line, and good ones are followed', async () => {
  const of = card('South branch');
  await of.getByRole('button', { name: 'Settings', exact: true }).click();
  const field = of.locator('textarea'), before = await field.inputValue();
  must(before.includes('exclude = []') && before.includes('letter = "B"'), before);
  await field.fill(before.replace('exclude = []', 'exclude = oops'));
  await button('Sign and send', of).click();
  await of.getByText(/Line \d+:/).waitFor();
  const line = Number(/Line (\d+):/.exec(await of.getByRole('alert').textContent())[1]), real = before.split('\n').findIndex((l) => l.includes('exclude = []')) + 1;
  must(line === real, `it says line ${line}, and it is ${real}`);
  await shots('satellites-settings-fault');
  await field.fill(before.replace('letter = "B"', 'letter = "Q"'));
  await button('Sign and send', of).click();
  await of.getByText(/this satellite's letter is B/).waitFor();
  await field.fill(before.replace('exclude = []', 'exclude = ["9999"]'));
  await button('Sign and send', of).click();
  await of.getByText('South branch gets them within half a minute.').waitFor();
  await of.getByText('South branch follows these settings.').waitFor({ timeout: 60_000 });
  must(said.includes('settings came from the central and are followed'), said);
  await shots('satellites-settings');
  await button('Close', of).click();
});

await step('its account stands beside that of this server, and adds up', async () => {
  await p.goto(`${BASE}/ledger`);
  const table = p.getByTestId('recorders');
  await table.waitFor();
  await until('both are there', async () => /This server/.test(await table.textContent()) && /South branch/.test(await table.textContent()));
  must(/no gap/.test(await table.textContent()), await table.textContent());
  await shots('satellites-ledger');
  await table.getByRole('link', { name: 'South branch' }).click();
  await p.getByRole('link', { name: 'All recorders' }).waitFor();
  const id = (await api('/satellites')).satellites[0].id, day = await api(`/ledger?recorder=${id}`);
  must(day.balanced && day.totals.signalled > 0, JSON.stringify(day.totals));
  await p.getByText('The account balances').waitFor();
  await shot(p, folder, 'satellites-ledger-one');
});

await step('it is renamed', async () => {
  await p.goto(`${BASE}/satellites`);
  const of = card('South branch');
  await button('Rename', of).click();
  await of.getByLabel('Name', { exact: true }).fill('South');
  await p.keyboard.press('Enter');
  await card('South').waitFor();
});

await step('when it falls silent the page and the board say so at once', async () => {
  await stop();
  await state('South', 'silent', 20_000);
  await p.getByText('1 satellite is silent').waitFor();
  await shots('satellites-silent');
  await p.goto(`${BASE}/live`);
  await p.locator('.tap[data-satellite="South"]').getByText(/silent since/).waitFor();
  await until('its calls are off the board', async () => (await p.locator('.board li').count()) === 0);
  await shot(p, folder, 'satellites-live-silent');
  run();
  await p.goto(`${BASE}/satellites`);
  await state('South', 'connected', 30_000);
});

await step('it is revoked by its name with a reason, and is gone within a minute', async () => {
  const of = card('South');
  await button('Revoke', of).click();
  await of.getByLabel('Reason').fill('Stolen from the branch');
  const sure = button('Revoke for good', of);
  must(await sure.isDisabled(), 'nothing was typed');
  await of.getByLabel(/Type its name/).fill('South');
  await shots('satellites-revoking');
  await sure.click();
  await state('South', 'revoked', 10_000);
  await until('the satellite is told', async () => said.includes('this satellite was revoked at the central'), 60_000);
  await p.getByText('Why: in the audit log').waitFor();
  await shots('satellites-revoked');
  const acts = (await api('/audit')).entries.map((e) => `${e.act} ${e.details.reason ?? ''}`.trim());
  for (const act of ['satellite-invited', 'satellite-enrolled', 'satellite-settings', 'satellite-renamed', 'satellite-revoked Stolen from the branch']) must(acts.includes(act), `${act} is not in the audit log: ${acts}`);
});

await step('in Afrikaans the page is whole', async () => {
  await p.locator('.person button').first().click();
  await p.locator('#person select').first().selectOption('af');
  await p.keyboard.press('Escape');
  await p.getByRole('heading', { name: 'Satelliete' }).waitFor();
  await shots('satellites-af');
});

await step('no page threw an error or broke the policy', () => { must(faults.length === 0, faults.join(' || ')); });
await b.close();
machine?.kill('SIGKILL');
end();
